#include "tasks/score.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "tasks/words.hpp"

namespace sw {
namespace {

using Words = std::vector<std::string>;

Words bare_words(std::string_view text) {
  Words words;
  for (std::string_view word : words_of(text))
    if (std::string bare = bare_word(word); !bare.empty()) words.push_back(std::move(bare));
  return words;
}

void remove_prefix(Words& words, const Words& prefix) {
  if (words.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), words.begin()))
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(prefix.size()));
}

Words answer_words(std::string_view line) {
  Words words = bare_words(line);
  if (lower_case(line).find("answer:") != std::string::npos) remove_prefix(words, {"answer"});
  remove_prefix(words, {"the", "answer", "is"});
  if (words.size() > 1)
    for (const char* article : {"a", "an", "the"}) remove_prefix(words, {article});
  return words;
}

bool contains(const Words& words, std::string_view phrase) {
  const Words wanted = bare_words(phrase);
  return !wanted.empty() && !std::ranges::search(words, wanted).empty();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool digits_at(std::string_view text, std::size_t at, std::size_t count) {
  return at + count <= text.size() && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at),
                                                  text.begin() + static_cast<std::ptrdiff_t>(at + count), is_digit);
}

/// The number that begins at `begin`, without the commas that group its digits; `begin` moves behind it.
std::string take_number(std::string_view text, std::size_t& begin) {
  std::string number;
  std::size_t at = begin;
  const auto take_digits = [&] {
    while (digits_at(text, at, 1)) number += text[at++];
  };
  take_digits();
  while (!number.empty() && number.size() <= 24 && at < text.size() && text[at] == ',' && digits_at(text, at + 1, 3) &&
         !digits_at(text, at + 4, 1)) {
    ++at;
    take_digits();
  }
  if (at < text.size() && text[at] == '.' && digits_at(text, at + 1, 1)) {
    number += text[at++];
    take_digits();
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const bool has_sign = at + 1 < text.size() && (text[at + 1] == '-' || text[at + 1] == '+');
    if (digits_at(text, at + (has_sign ? 2 : 1), 1)) {
      number += 'e';
      if (has_sign && text[at + 1] == '-') number += '-';
      at += has_sign ? 2 : 1;
      take_digits();
    }
  }
  begin = at;
  return number;
}

bool has_minus_before(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  for (const std::string_view minus : {"-", "−"})
    if (before.ends_with(minus))
      return before.size() == minus.size() || !is_word_character(before[before.size() - minus.size() - 1]);
  return false;
}

bool right(const ExactMatch& scorer, std::string_view reply) {
  const std::string given = normalized(reply);
  return std::ranges::any_of(scorer.answers, [&](const std::string& answer) { return normalized(answer) == given; });
}

bool right(const Numeric& scorer, std::string_view reply) {
  const auto given = last_number(reply);
  return given && std::abs(*given - scorer.answer) <= scorer.tolerance;
}

bool right(const ContainsAll& scorer, std::string_view reply) {
  const Words words = bare_words(reply);
  if (scorer.max_words > 0 && static_cast<int>(words.size()) > scorer.max_words) return false;
  const auto given = [&](const std::string& phrase) { return contains(words, phrase); };
  return std::ranges::all_of(scorer.groups, [&](const auto& group) { return std::ranges::any_of(group, given); }) &&
         std::ranges::none_of(scorer.forbidden, given);
}

bool right(const MultipleChoice& scorer, std::string_view reply) {
  const std::string given = normalized(reply);
  const std::string letter(1, static_cast<char>('a' + scorer.answer));
  return given == letter || given == normalized(scorer.choices[static_cast<std::size_t>(scorer.answer)]);
}

bool right(const Constraints& scorer, std::string_view reply) {
  return satisfies(scorer, reply);
}

}  // namespace

std::string normalized(std::string_view reply) {
  for (std::string_view line : lines_of(reply)) {
    std::string text;
    for (const std::string& word : answer_words(line)) text += (text.empty() ? "" : " ") + word;
    if (!text.empty()) return text;
  }
  return {};
}

std::optional<double> last_number(std::string_view text) {
  std::optional<double> last;
  for (std::size_t at = 0; at < text.size();) {
    const bool inside_word = at > 0 && is_word_character(text[at - 1]);
    const bool begins = is_digit(text[at]) || (text[at] == '.' && digits_at(text, at + 1, 1));
    if (!begins || inside_word) {
      ++at;
      continue;
    }
    const bool negative = has_minus_before(text, at);
    const std::string number = take_number(text, at);
    double value = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc())
      last = negative ? -value : value;
  }
  return last;
}

bool is_right(const TaskItem& item, std::string_view reply) {
  return std::visit([reply](const auto& scorer) { return right(scorer, reply); }, item.scorer);
}

}  // namespace sw
