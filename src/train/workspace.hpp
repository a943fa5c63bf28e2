#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "model/families/family.hpp"
#include "text/tokenizer.hpp"
#include "train/parameters.hpp"
#include "train/recipe.hpp"
#include "train/shards.hpp"

namespace sw::train {

/// What a run needs before its first step.
struct Workspace {
  std::string config_json, tokenizer_json, tokenizer_config_json;
  std::shared_ptr<const Tokenizer> tokenizer;
  const Family* family = nullptr;
  Metadata metadata;  ///< the config in GGUF's vocabulary
  ModelSpec spec;
  Parameters parameters;  ///< as they are before the first step
  Shards train, validation;
  Shards first;  ///< empty where the recipe names none
};

/// Trains or reads the tokenizer, tokenizes the data into `out`/data, and makes or loads the first weights. What a call
/// before it with the same recipe and files left is used again. `note` hears what is being done.
Result<Workspace> prepare(const Recipe& recipe, const std::function<void(std::string_view)>& note);

}  // namespace sw::train
