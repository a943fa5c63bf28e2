#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/model.hpp"

namespace sw {

/// English text that comes with the program, for measurements that need some: the questions of its task suite, one a
/// line.
Result<std::string> sample_text();

/// `n` tokens of prompt for a model, beginning at the `index`-th of several places of the sample text, so that the
/// prompts of a batch differ. A model without a tokenizer reads fixed pseudo-random ids.
Result<std::vector<TokenId>> sample_prompt(const Model& model, int n, int index);

}  // namespace sw
