#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sw {

/// SentencePiece writes the token of one byte as "<0x0A>".
std::optional<char> parse_byte_token(std::string_view text);
std::string byte_token_text(char byte);

}  // namespace sw
