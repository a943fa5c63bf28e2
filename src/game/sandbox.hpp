#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "game/content.hpp"
#include "game/store.hpp"

namespace sw::game {

/// What a model says that undefined ingredients could become. Never part of the curriculum.
struct Speculation {
  std::string name, text, model;
  bool cached = false;
};

/// Asks a served model; `prompt` is a whole question. Gives its answer and the model's name in Speculation::text and
/// ::model. An empty function: no model is served.
using AskModel = std::function<Result<Speculation>(const std::string& prompt)>;

/// Asks about a combination that yields nothing, once for all players: the first answer is kept.
Result<Speculation> speculate(const Content& content, Store& store, const AskModel& ask,
                              const Ingredients& ingredients);

}  // namespace sw::game
