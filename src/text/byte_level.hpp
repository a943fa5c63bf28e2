#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sw::byte_level {

/// GPT-2 writes each byte of a token as one printable character: printable Latin-1 bytes as themselves, the other 68
/// as U+0100 onwards, so that a space is "Ġ" (Radford et al. 2019, encoder.py, bytes_to_unicode).
std::string to_text(std::string_view bytes);
/// The inverse; nothing when a character stands for no byte.
std::optional<std::string> to_bytes(std::string_view text);

}  // namespace sw::byte_level
