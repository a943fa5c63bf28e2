#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"

namespace sw::train {

struct BpeOptions {
  int vocab_size = 4096;                  ///< with the 256 bytes and the special tokens
  std::vector<std::string> special = {};  ///< take the last ids
};

/// Learns byte-level BPE (Sennrich et al. 2016; Radford et al. 2019) with the pre-tokenizer that Qwen2 published, so
/// that every loader knows it. The most frequent pair is merged first, of equals the one with the smallest ids: the
/// same texts in any order give the same tokenizer.
class BpeTrainer {
 public:
  /// Counts the words of a text.
  Status add(std::string_view text);
  /// A tokenizer.json as Hugging Face's tokenizers library reads it. Fails when the texts give fewer tokens.
  Result<std::string> train(const BpeOptions& options) const;

 private:
  std::unordered_map<std::string, std::int64_t> words_;
};

/// A tokenizer_config.json for it. Empty: none.
struct TokenizerRoles {
  std::string end_of_text, end_of_turn, chat_template;
  int context = 0;
};
std::string tokenizer_config(const TokenizerRoles& roles);

}  // namespace sw::train
