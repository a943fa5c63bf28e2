#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace sw::train {

/// Part of a document, and how much its tokens count as targets.
struct Piece {
  std::string text;
  float weight = 1;
  bool is_markup = false;  ///< special tokens written in it are meant as such
};
using Document = std::vector<Piece>;

struct CorpusOptions {
  /// Cuts a text file into documents; empty: each file is one.
  std::string separator;
  /// Of the messages that are not the assistant's.
  float prompt_weight = 0;
};

/// Calls `f` for every document of a file. "*.jsonl" has one on every line: {"text": …}, or a conversation as
/// {"messages": [{"role": …, "content": …}]}, which is written as ChatML and learned where the assistant speaks.
/// Anything else is UTF-8 text.
Status each_document(const std::filesystem::path& path, const CorpusOptions& options,
                     const std::function<Status(const Document&)>& f);

inline constexpr const char* turn_start = "<|im_start|>";
inline constexpr const char* turn_end = "<|im_end|>";
inline constexpr const char* end_of_text = "<|endoftext|>";
/// The template that writes conversations as each_document() does.
extern const char* const chat_template;

}  // namespace sw::train
