#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "text/tokenizer.hpp"

namespace sw::test {

/// The vocabularies of real models, where the checkout has them beside it.
inline const std::filesystem::path shared_vocabularies = std::filesystem::path(SPEEDWINS_SHARED_DIR) / "data" / "vocab";

/// Tiny tokenizers made by tests/golden/generate_tokenizers.py.
const std::vector<std::string>& golden_names();
std::string read_golden(const std::string& file);  ///< empty when there is no such file
std::unique_ptr<const Tokenizer> golden_tokenizer(const std::string& name);

std::unique_ptr<const Tokenizer> shared_tokenizer(const std::string& name);  ///< null when absent

}  // namespace sw::test
