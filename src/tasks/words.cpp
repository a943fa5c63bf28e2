#include "tasks/words.hpp"

#include <algorithm>
#include <array>

namespace sw {
namespace {

constexpr std::string_view white_space = " \t\r\n\v\f";
constexpr std::string_view ascii_marks = "\"'`*_()[]{}<>.,;:!?";
constexpr std::array<std::string_view, 6> typographic_marks = {"“", "”", "‘", "’", "…", "„"};

bool take_front_mark(std::string_view& word) {
  if (word.empty()) return false;
  std::size_t length = ascii_marks.find(word.front()) != std::string_view::npos ? 1 : 0;
  for (std::string_view mark : typographic_marks)
    if (word.starts_with(mark)) length = mark.size();
  word.remove_prefix(length);
  return length > 0;
}

bool take_back_mark(std::string_view& word) {
  if (word.empty()) return false;
  std::size_t length = ascii_marks.find(word.back()) != std::string_view::npos ? 1 : 0;
  for (std::string_view mark : typographic_marks)
    if (word.ends_with(mark)) length = mark.size();
  word.remove_suffix(length);
  return length > 0;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == text.npos) return parts;
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) {
  return split(text, white_space);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::string_view line : split(text, "\r\n"))
    if (line = trimmed(line); !line.empty()) lines.push_back(line);
  return lines;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(white_space);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(white_space) - begin + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return lower;
}

std::string bare_word(std::string_view word) {
  while (take_front_mark(word)) continue;
  while (take_back_mark(word)) continue;
  return lower_case(word);
}

}  // namespace sw
