#include "text/charsmap.hpp"

#include <cstring>

#include "text/unicode.hpp"

namespace sw {
namespace {

// A unit of the double array: bits 0–7 label, bit 8 has a value below it, bit 9 wide offset, bits 10–30 offset,
// bit 31 set in units that hold a value.
std::uint32_t offset_of(std::uint32_t unit) {
  return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}
std::uint32_t label_of(std::uint32_t unit) {
  return unit & ((1u << 31) | 0xFF);
}
bool has_value(std::uint32_t unit) {
  return ((unit >> 8) & 1) != 0;
}
std::uint32_t value_of(std::uint32_t unit) {
  return unit & ((1u << 31) - 1);
}

}  // namespace

Result<CharsMap> CharsMap::parse(std::string_view compiled) {
  std::uint32_t trie_bytes = 0;
  if (compiled.size() >= sizeof trie_bytes) std::memcpy(&trie_bytes, compiled.data(), sizeof trie_bytes);
  if (compiled.size() < sizeof trie_bytes || trie_bytes % 4 != 0 || trie_bytes == 0 ||
      trie_bytes > compiled.size() - sizeof trie_bytes) {
    return fail("the trie's size, " + std::to_string(trie_bytes) + " bytes, does not fit", "precompiled_charsmap",
                "a positive multiple of 4 within " + std::to_string(compiled.size()) + " bytes");
  }
  CharsMap map;
  map.units_.resize(trie_bytes / 4);
  std::memcpy(map.units_.data(), compiled.data() + sizeof trie_bytes, trie_bytes);
  map.replacements_ = compiled.substr(sizeof trie_bytes + trie_bytes);
  return map;
}

std::string CharsMap::apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t longest = 0;
    std::uint32_t replacement = 0;
    std::uint32_t node = offset_of(units_[0]);
    for (std::size_t i = begin; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      node ^= byte;
      if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) break;
      const bool valued = has_value(units_[node]);
      node ^= offset_of(units_[node]);
      if (node >= units_.size()) break;
      if (valued && value_of(units_[node]) < replacements_.size()) {
        longest = i + 1 - begin;
        replacement = value_of(units_[node]);
      }
    }
    if (longest > 0) {
      const std::string_view rest = std::string_view(replacements_).substr(replacement);
      out += rest.substr(0, rest.find('\0'));
      begin += longest;
      continue;
    }
    const unicode::Character c = unicode::decode(text, begin);
    out += c.valid ? text.substr(begin, c.size) : std::string_view("\xEF\xBF\xBD");
    begin += c.size;
  }
  return out;
}

}  // namespace sw
