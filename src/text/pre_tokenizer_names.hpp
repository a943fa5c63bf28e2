#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_spec.hpp"

namespace sw {

namespace patterns {

inline constexpr std::string_view gpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
/// llama.cpp's form: what no alternative matches is a piece as well, so it splits as the one above.
inline constexpr std::string_view gpt2_without_rest =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))";
inline constexpr std::string_view llama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view qwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view qwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

}  // namespace patterns

/// What a value of tokenizer.ggml.pre stands for. The values and what they mean are llama.cpp's (llama-vocab.cpp); the
/// patterns are those of the models' own tokenizer.json files.
struct PreTokenizerFamily {
  std::vector<std::string_view> names;  ///< the first is the one to write
  std::vector<PreTokenizerStep> steps;
  bool ignore_merges = false;
  bool add_bos = false;  ///< where the file does not say
};

/// Null when no family has the name.
const PreTokenizerFamily* find_pre_tokenizer(std::string_view name);
/// The families that split as `steps` do.
std::vector<const PreTokenizerFamily*> families_of(const std::vector<PreTokenizerStep>& steps);

/// Line breaks as escapes, so that patterns which differ only in that compare equal.
std::string canonical_pattern(std::string_view pattern);

}  // namespace sw
