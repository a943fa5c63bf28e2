#include <algorithm>
#include <set>

#include "formats/json.hpp"
#include "tasks/score.hpp"
#include "tasks/words.hpp"

namespace sw {
namespace {

bool within(std::size_t count, const Constraints::Range& range) {
  return count >= static_cast<std::size_t>(range.least) && count <= static_cast<std::size_t>(range.most);
}

bool ends_sentence(std::string_view word) {
  constexpr std::string_view closing = "\"')]*_";
  const std::size_t last = word.find_last_not_of(closing);
  return last != word.npos && std::string_view(".!?").find(word[last]) != std::string_view::npos;
}

bool has_letter(std::string_view text, char first, char last) {
  return std::ranges::any_of(text, [=](char c) { return c >= first && c <= last; });
}

bool has_case(std::string_view text, Constraints::Case letters) {
  const bool upper = has_letter(text, 'A', 'Z'), lower = has_letter(text, 'a', 'z');
  switch (letters) {
    case Constraints::Case::any:
      return true;
    case Constraints::Case::upper:
      return upper && !lower;
    case Constraints::Case::lower:
      return lower && !upper;
  }
  return false;
}

std::string_view without_code_fence(std::string_view text) {
  constexpr std::string_view fence = "```";
  if (!text.starts_with(fence) || !text.ends_with(fence)) return text;
  const std::size_t first_line = text.find('\n');
  if (first_line == text.npos || first_line + fence.size() > text.size()) return text;
  return text.substr(first_line + 1, text.size() - first_line - 1 - fence.size());
}

bool is_object_with_keys(std::string_view text, const std::vector<std::string>& keys) {
  const auto json = parse_json(without_code_fence(text), "reply");
  if (!json || !json->is_object()) return false;
  std::set<std::string> found;
  for (const auto& [key, value] : json->items()) found.insert(key);
  return found == std::set<std::string>(keys.begin(), keys.end());
}

}  // namespace

bool satisfies(const Constraints& constraints, std::string_view reply) {
  const std::string_view text = trimmed(reply);
  const auto words = words_of(text);
  const auto lines = lines_of(text);
  const std::string lower = lower_case(text);
  const auto occurs = [&](const std::string& part) { return lower.find(lower_case(part)) != std::string::npos; };
  const auto sentences = static_cast<std::size_t>(std::ranges::count_if(words, ends_sentence));

  return !text.empty() && within(words.size(), constraints.words) && within(lines.size(), constraints.lines) &&
         within(sentences, constraints.sentences) && text.starts_with(constraints.starts_with) &&
         text.ends_with(constraints.ends_with) &&
         std::ranges::all_of(lines, [&](auto line) { return line.starts_with(constraints.each_line_starts_with); }) &&
         std::ranges::all_of(constraints.contains, occurs) && std::ranges::none_of(constraints.excludes, occurs) &&
         has_case(text, constraints.letters) && (constraints.equals.empty() || text == constraints.equals) &&
         (constraints.json_keys.empty() || is_object_with_keys(text, constraints.json_keys));
}

}  // namespace sw
