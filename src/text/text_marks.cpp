#include "text/text_marks.hpp"

#include <algorithm>

namespace sw {
namespace {

constexpr int n_marks = 32;  // U+FDD0…U+FDEF; in UTF-8, EF B7 90…EF B7 AF

std::string mark_of(int i) {
  return {'\xEF', '\xB7', static_cast<char>(0x90 + i)};
}

/// As Python's json and repr write it.
std::string escaped(std::string_view mark) {
  const int i = static_cast<unsigned char>(mark[2]) - 0x90;
  return {'\\', 'u', 'f', 'd', i < 16 ? 'd' : 'e', "0123456789abcdef"[i % 16]};
}

}  // namespace

std::optional<std::string> TextMarks::unused_in(std::span<const std::string_view> texts) {
  for (int i = 0; i < n_marks; ++i) {
    std::string mark = mark_of(i);
    const std::string escape = escaped(mark);
    const bool used =
        std::ranges::any_of(texts, [&](std::string_view one) { return one.contains(mark) || one.contains(escape); });
    if (!used) return mark;
  }
  return std::nullopt;
}

std::string TextMarks::put_in(std::string_view text, std::span<const std::size_t> places, std::string_view mark) {
  std::string out;
  out.reserve(text.size() + places.size() * mark.size());
  std::size_t done = 0;
  for (const std::size_t place : places) {
    out.append(text, done, place - done).append(mark);
    done = place;
  }
  return out.append(text, done);
}

TextMarks TextMarks::take_out(std::string_view text, std::string_view mark) {
  TextMarks out;
  const std::string escape = escaped(mark);
  const char first_bytes[] = {mark[0], escape[0], 0};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = std::min(text.find_first_of(first_bytes, at), text.size());
    out.text.append(text, at, next - at);
    if (next == text.size()) break;
    const std::string_view rest = text.substr(next);
    const std::size_t size = rest.starts_with(mark) ? mark.size() : rest.starts_with(escape) ? escape.size() : 0;
    if (size == 0) {
      out.text += text[next];
    } else if (out.places.empty() || out.places.back() != out.text.size()) {
      out.places.push_back(out.text.size());
    }
    at = next + std::max<std::size_t>(size, 1);
  }
  return out;
}

}  // namespace sw
