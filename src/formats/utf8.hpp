#pragma once

#include <string>
#include <string_view>

namespace sw {

/// Whether `text` is well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, surrogates or code points above
/// U+10FFFF).
bool is_utf8(std::string_view text);

/// 'text' as an error message may show it, whatever it holds: quoted, control characters and ill-formed bytes as
/// \xNN, cut after 80 bytes.
std::string in_quotes(std::string_view text);

}  // namespace sw
