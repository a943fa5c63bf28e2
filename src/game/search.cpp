#include "game/search.hpp"

#include <algorithm>
#include <cctype>

namespace sw::game {
namespace {

constexpr int letter_points = 4, together_points = 6, word_start_points = 8, text_start_points = 6;
constexpr std::size_t longest_typed = 64;

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool is_gap(char c) {
  return c == ' ' || c == '-' || c == '_' || c == '/';
}

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (!is_gap(c)) out += lower(c);
  return out;
}

bool starts_word(std::string_view text, std::size_t at) {
  if (at == 0 || is_gap(text[at - 1])) return true;
  const auto is = [](int (*kind)(int), char c) { return kind(static_cast<unsigned char>(c)) != 0; };
  return is(std::isupper, text[at]) && is(std::islower, text[at - 1]);
}

}  // namespace

/// Smith-Waterman-like: best[j] is the best score of the letters so far with the last one at j.
bool fuzzy_match(std::string_view typed, std::string_view text, Match& match) {
  match = {};
  const std::string wanted = folded(typed.substr(0, longest_typed));
  if (wanted.empty()) return true;
  constexpr int never = -1'000'000;
  const std::size_t n = text.size();
  std::vector<std::vector<int>> best(wanted.size(), std::vector<int>(n, never));
  std::vector<std::vector<std::size_t>> from(wanted.size(), std::vector<std::size_t>(n, n));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    int before = i == 0 ? 0 : never;  // best score that ends before j - 1
    std::size_t before_at = n;
    for (std::size_t j = 0; j < n; ++j) {
      if (lower(text[j]) == wanted[i]) {
        int here = letter_points + (starts_word(text, j) ? word_start_points : 0) + (j == 0 ? text_start_points : 0);
        int score = before > never ? before + here : never;
        std::size_t source = before_at;
        if (i > 0 && j > 0) {
          std::size_t last = j - 1;
          while (last > 0 && is_gap(text[last])) --last;
          if (best[i - 1][last] > never && best[i - 1][last] + here + together_points >= score) {
            score = best[i - 1][last] + here + together_points;
            source = last;
          }
        }
        best[i][j] = score;
        from[i][j] = source;
      }
      if (i > 0 && best[i - 1][j] > before) {
        before = best[i - 1][j];
        before_at = j;
      }
    }
  }
  const auto& last_row = best.back();
  const auto top = std::ranges::max_element(last_row);
  if (top == last_row.end() || *top <= never) return false;
  // Of two texts that fit as well, the shorter one is meant more often.
  match.score = *top * 8 - static_cast<int>(std::min<std::size_t>(n, 100));
  std::size_t at = static_cast<std::size_t>(top - last_row.begin());
  for (std::size_t i = wanted.size(); i-- > 0; at = from[i][at]) {
    if (!match.ranges.empty() && match.ranges.back().first == at + 1)
      match.ranges.back().first = at;
    else
      match.ranges.emplace_back(at, at + 1);
  }
  std::ranges::reverse(match.ranges);
  return true;
}

std::vector<SearchHit> search(const Content& content, std::string_view typed,
                              const std::vector<ConceptIndex>& candidates) {
  constexpr int exact_bonus = 10'000;
  const std::string whole = folded(typed);
  std::vector<SearchHit> hits;
  for (const ConceptIndex idea : candidates) {
    const Concept& c = content[idea];
    Match match;
    SearchHit hit{.idea = idea, .score = -1'000'000, .ranges = {}};
    bool fits = false;
    if (fuzzy_match(typed, c.name, match)) {
      fits = true;
      hit.score = match.score + (folded(c.name) == whole ? exact_bonus : 0);
      hit.ranges = match.ranges;
    }
    for (const std::string& alias : c.aliases)
      if (fuzzy_match(typed, alias, match)) {
        fits = true;
        hit.score = std::max(hit.score, match.score + (folded(alias) == whole ? exact_bonus : 0) - 1);
      }
    if (fits) hits.push_back(std::move(hit));
  }
  std::ranges::stable_sort(hits, std::greater{}, &SearchHit::score);
  return hits;
}

std::optional<ConceptIndex> find_by_name(const Content& content, std::string_view name) {
  const std::string wanted = folded(name);
  if (wanted.empty()) return std::nullopt;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const Concept& c = content.concepts[i];
    const bool is = folded(c.id) == wanted || folded(c.name) == wanted ||
                    std::ranges::any_of(c.aliases, [&](const std::string& alias) { return folded(alias) == wanted; });
    if (is) return static_cast<ConceptIndex>(i);
  }
  return std::nullopt;
}

}  // namespace sw::game
