#include "game_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sw {
namespace {

/// The character that begins at `at`, and how many bytes it has. Bytes that are no UTF-8 count one each.
std::pair<char32_t, std::size_t> character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  if (size == 1 || at + size > text.size()) return {first, 1};
  char32_t code = first & (0xff >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) code = code << 6 | (byte(at + i) & 0x3f);
  return {code, size};
}

bool is_joiner(char32_t c) {
  return c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x1f3fb && c <= 0x1f3ff) || (c >= 0x300 && c <= 0x36f);
}

bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0xff00 && c <= 0xff60) || (c >= 0x1f300 && c <= 0x1faff) ||
         (c >= 0x20000 && c <= 0x3fffd) || c == 0x26a1 || c == 0x2728 || c == 0x2b50;
}

/// Length of the colour sequence that begins at `at`; 0: there is none.
std::size_t sequence_at(std::string_view text, std::size_t at) {
  if (text[at] != '\x1b' || at + 1 >= text.size() || text[at + 1] != '[') return 0;
  std::size_t end = at + 2;
  while (end < text.size() && (text[end] < 0x40 || text[end] > 0x7e)) ++end;
  return std::min(end + 1, text.size()) - at;
}

struct Spelling {
  char32_t from;
  std::string_view to;
};
constexpr Spelling spellings[] = {
    {U'…', "..."},   {U'–', "-"},      {U'—', "-"},     {U'‑', "-"},     {U'·', "|"},     {U'×', "x"},
    {U'→', "->"},    {U'←', "<-"},     {U'≤', "<="},    {U'≥', ">="},    {U'≈', "~"},     {U'√', "sqrt"},
    {U'²', "^2"},    {U'³', "^3"},     {U'⁻', "-"},     {U'¹', "1"},     {U'“', "\""},    {U'”', "\""},
    {U'‘', "'"},     {U'’', "'"},      {U'█', "#"},     {U'░', "."},     {U'✓', "+"},     {U'✗', "x"},
    {U'•', "*"},     {U'›', ">"},      {U'│', "|"},     {U'├', "|"},     {U'└', "`"},     {U'─', "-"},
    {U'★', "*"},     {U'∞', "inf"},    {U'ä', "ae"},    {U'ö', "oe"},    {U'ü', "ue"},    {U'é', "e"},
    {U'è', "e"},     {U'ß', "ss"},     {U'µ', "u"},     {U'−', "-"},     {U'α', "alpha"}, {U'β', "beta"},
    {U'γ', "gamma"}, {U'λ', "lambda"}, {U'σ', "sigma"}, {U'Δ', "Delta"}, {U'ε', "eps"},   {U'₀', "0"},
    {U'₁', "1"},     {U'₂', "2"},      {U'½', "1/2"},   {U'⣀', "_"}};

}  // namespace

int columns_of(std::string_view text) {
  int columns = 0;
  bool joined = false;
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t skip = sequence_at(text, at)) {
      at += skip;
      continue;
    }
    const auto [c, size] = character_at(text, at);
    at += size;
    if (is_joiner(c)) {
      joined = c == 0x200d;
      continue;
    }
    if (!joined) columns += is_wide(c) ? 2 : 1;
    joined = false;
  }
  return columns;
}

std::string shortened(std::string_view text, int columns) {
  if (columns_of(text) <= columns) return std::string(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_at(text, at).second;
    if (columns_of(out) + columns_of(text.substr(at, size)) > columns - 1) break;
    out += text.substr(at, size);
    at += size;
  }
  return out + "…";
}

std::string padded(std::string_view text, int columns) {
  return std::string(text) + std::string(static_cast<std::size_t>(std::max(0, columns - columns_of(text))), ' ');
}

std::string TextStyle::paint(std::string_view code, std::string_view text) const {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string TextStyle::graded(int difficulty, std::string_view text) const {
  constexpr std::string_view codes[] = {"32", "36", "33", "35", "31"};
  return paint(codes[std::clamp(difficulty, 1, 5) - 1], text);
}

std::string TextStyle::labelled(std::string_view label, std::string_view text, int indent) const {
  std::string out, line = padded(label, indent);
  bool empty = true;
  const auto end_line = [&] {
    out += line + '\n';
    line.assign(static_cast<std::size_t>(indent), ' ');
    empty = true;
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (!word.empty()) {
      if (!empty && columns_of(line) + 1 + columns_of(word) > width) end_line();
      if (!empty) line += ' ';
      line += word;
      empty = false;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  end_line();
  return out;
}

std::string TextStyle::paragraph(std::string_view text, int indent) const {
  return labelled("", text, indent);
}

std::string TextStyle::bar(int part, int whole, int columns) const {
  const int filled = whole > 0 ? std::clamp(part * columns / whole, part > 0 ? 1 : 0, columns) : 0;
  std::string full, rest;
  for (int i = 0; i < filled; ++i) full += "█";
  for (int i = filled; i < columns; ++i) rest += "░";
  return good(full) + dim(rest);
}

std::string TextStyle::finish(std::string_view text) const {
  if (!ascii) return std::string(text);
  std::string out;
  bool dropped = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto [c, size] = character_at(text, at);
    at += size;
    if (c < 0x80) {
      // An emoji leaves with the space that set it off.
      if (!(dropped && c == ' ' && (out.empty() || out.back() == ' ' || out.back() == '\n')))
        out += static_cast<char>(c);
      dropped = false;
      continue;
    }
    const auto known = std::ranges::find(spellings, c, &Spelling::from);
    // What is a picture or stands alone is decoration; inside a word it was a letter.
    constexpr char32_t first_picture = 0x2600;
    const bool alone =
        (out.empty() || out.back() == ' ' || out.back() == '\n') && (at == text.size() || text[at] == ' ');
    dropped = known == std::end(spellings) && (c >= first_picture || is_joiner(c) || alone);
    if (known != std::end(spellings))
      out += known->to;
    else if (!dropped)
      out += '?';
  }
  return out;
}

std::string duration_text(long long seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{} days", seconds / 86400);
}

}  // namespace sw
