#include "text/byte_level.hpp"

#include <array>

#include "text/unicode.hpp"

namespace sw::byte_level {
namespace {

constexpr bool is_printable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::size_t n_unprintable = 68;

struct Tables {
  std::array<char32_t, 256> character{};
  std::array<unsigned char, n_unprintable> unprintable{};  // byte written as U+0100 + index
};

constexpr Tables make_tables() {
  Tables t;
  std::size_t next = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (is_printable(byte)) {
      t.character[byte] = byte;
    } else {
      t.unprintable[next] = static_cast<unsigned char>(byte);
      t.character[byte] = static_cast<char32_t>(0x100 + next++);
    }
  }
  return t;
}

constexpr Tables tables = make_tables();

}  // namespace

std::string to_text(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) unicode::append_utf8(out, tables.character[static_cast<unsigned char>(byte)]);
  return out;
}

std::optional<std::string> to_bytes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const unicode::Character c = unicode::decode(text, i);
    if (!c.valid) return std::nullopt;
    if (c.code_point < 256 && is_printable(c.code_point)) {
      out += static_cast<char>(c.code_point);
    } else if (c.code_point >= 0x100 && c.code_point < 0x100 + n_unprintable) {
      out += static_cast<char>(tables.unprintable[c.code_point - 0x100]);
    } else {
      return std::nullopt;
    }
    i += c.size;
  }
  return out;
}

}  // namespace sw::byte_level
