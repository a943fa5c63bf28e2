#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sw {

/// The lines of `text` that are not empty, without white space at their ends.
std::vector<std::string_view> lines_of(std::string_view text);
/// Separated by white space.
std::vector<std::string_view> words_of(std::string_view text);
std::string_view trimmed(std::string_view text);
/// ASCII letters in lower case; all else as it is.
std::string lower_case(std::string_view text);
/// `word` in lower case without quotation marks, emphasis, brackets and punctuation at its ends.
std::string bare_word(std::string_view word);

}  // namespace sw
