#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "game/content.hpp"
#include "game/store.hpp"

namespace sw::game {

/// What a model says that undefined ingredients could become. Never part of the curriculum.
struct Speculation {
  std::string name;  ///< empty: the model gave none
  std::string text, model;
  bool cached = false;
};

/// Asks a served model; `prompt` is a whole question. Gives its answer and the model's name in Speculation::text and
/// ::model. An empty function: no model is served.
using AskModel = std::function<Result<Speculation>(const std::string& prompt)>;

/// Whether a combination has no answer of the curriculum: only then there is something to imagine.
bool yields_nothing(const Content& content, const Ingredients& ingredients);

/// What was said of it before, to anybody.
Result<std::optional<Speculation>> kept_speculation(const Content& content, Store& store,
                                                    const Ingredients& ingredients);

/// Asks about a combination that yields nothing, once for all players: the first answer is kept.
Result<Speculation> speculate(const Content& content, Store& store, const AskModel& ask,
                              const Ingredients& ingredients);

}  // namespace sw::game
