#include "text/word_scanner.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "text/pre_tokenizer_names.hpp"
#include "text/unicode.hpp"

namespace sw {
namespace {

using unicode::Character;

/// Reads classes of characters; invalid bytes count as control characters.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool at_end(std::size_t i) const { return i >= text_.size(); }
  /// Class and size of the character at i, {0, 0} at the end.
  std::pair<int, std::size_t> at(std::size_t i) const {
    if (at_end(i)) return {0, 0};
    const auto byte = static_cast<unsigned char>(text_[i]);
    if (byte < 0x80) return {unicode::classify(byte), 1};
    const Character c = unicode::decode(text_, i);
    return {c.valid ? int{unicode::classify(c.code_point)} : int{unicode::other}, c.size};
  }
  /// The first position from i on whose character is in none of `classes`, after at most `limit` characters.
  std::size_t skip(std::size_t i, int classes, std::size_t limit = ~std::size_t{0}) const {
    for (; limit != 0; --limit) {
      const auto [c, size] = at(i);
      if (size == 0 || (c & classes) == 0) break;
      i += size;
    }
    return i;
  }
  /// The first position from i on whose character is in one of `classes`.
  std::size_t skip_until(std::size_t i, int classes) const {
    while (true) {
      const auto [c, size] = at(i);
      if (size == 0 || (c & classes) != 0) return i;
      i += size;
    }
  }
  bool newline(std::size_t i) const { return !at_end(i) && (text_[i] == '\n' || text_[i] == '\r'); }
  std::size_t skip_newlines(std::size_t i) const {
    while (newline(i)) ++i;
    return i;
  }

 private:
  std::string_view text_;
};

/// The end of 's 't 're 've 'm 'll 'd at `begin`, or `begin`. Regardless of case where `any_case`, in which "ſ" is an
/// s.
std::size_t contraction_end(std::string_view text, std::size_t begin, bool any_case) {
  if (text[begin] != '\'') return begin;
  const auto letter = [&](std::size_t i) {
    if (i >= text.size()) return '\0';
    const char c = text[i];
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = letter(begin + 1), second = letter(begin + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return begin + 2;
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l'))
    return begin + 3;
  if (any_case && text.substr(begin + 1).starts_with("\xC5\xBF")) return begin + 3;
  return begin;
}

/// The piece of white space at `begin`: all of it at the end of the text, otherwise all but its last character, which
/// belongs to the next piece or stands alone.
std::size_t white_space_end(const Reader& read, std::size_t begin) {
  std::size_t last = begin, end = begin;
  while (true) {
    const auto [c, size] = read.at(end);
    if (size == 0) return end;
    if ((c & unicode::space) == 0) break;
    last = end;
    end += size;
  }
  return last > begin ? last : end;
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t next_gpt2(std::string_view text, std::size_t begin) {
  const Reader read(text);
  if (const std::size_t end = contraction_end(text, begin, false); end > begin) return end;
  const std::size_t word = begin + (text[begin] == ' ' ? 1 : 0);
  const int c = read.at(word).first;
  if (read.at_end(word) || (c & unicode::space) != 0) return white_space_end(read, begin);
  if ((c & unicode::letter) != 0) return read.skip(word, unicode::letter);
  if ((c & unicode::number) != 0) return read.skip(word, unicode::number);
  return read.skip_until(word, unicode::space | unicode::letter | unicode::number);
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
std::size_t next_cl100k(std::string_view text, std::size_t begin, const WordScanner& scanner) {
  const Reader read(text);
  if (const std::size_t end = contraction_end(text, begin, true); end > begin) return end;
  const int letters = unicode::letter | (scanner.marks_are_letters ? unicode::mark : 0);
  const auto [c, size] = read.at(begin);
  if ((c & unicode::letter) != 0) return read.skip(begin, letters);
  if ((c & unicode::number) != 0) return read.skip(begin, unicode::number, scanner.max_digits);
  if (!read.newline(begin) && (read.at(begin + size).first & letters) != 0) return read.skip(begin + size, letters);
  if ((c & letters) != 0) return read.skip(begin, letters);

  const std::size_t sign = begin + (text[begin] == ' ' ? 1 : 0);
  const int stop = unicode::space | letters | unicode::number;
  if (!read.at_end(sign) && (read.at(sign).first & stop) == 0) return read.skip_newlines(read.skip_until(sign, stop));

  // White space: up to its last line break where there is one.
  std::size_t after_newline = begin;
  std::size_t end = begin;
  while (true) {
    const auto [space_class, space_size] = read.at(end);
    if (space_size == 0 || (space_class & unicode::space) == 0) break;
    if (read.newline(end)) after_newline = end + 1;
    end += space_size;
  }
  return after_newline > begin ? after_newline : white_space_end(read, begin);
}

}  // namespace

const WordScanner* WordScanner::for_pattern(std::string_view pattern) {
  static constexpr std::array<std::pair<std::string_view, WordScanner>, 5> scanners{{
      {patterns::gpt2, {Shape::gpt2, 0, false}},
      {patterns::gpt2_without_rest, {Shape::gpt2, 0, false}},
      {patterns::llama3, {Shape::cl100k, 3, false}},
      {patterns::qwen2, {Shape::cl100k, 1, false}},
      {patterns::qwen35, {Shape::cl100k, 1, true}},
  }};
  const auto found = std::ranges::find(scanners, pattern, &std::pair<std::string_view, WordScanner>::first);
  return found == scanners.end() ? nullptr : &found->second;
}

std::size_t WordScanner::next(std::string_view text, std::size_t begin) const {
  return shape == Shape::gpt2 ? next_gpt2(text, begin) : next_cl100k(text, begin, *this);
}

}  // namespace sw
