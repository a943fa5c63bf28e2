#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "game/embedded_content.hpp"
#include "game/rules.hpp"
#include "game/share_code.hpp"

/// Any text is either refused with a reason, or the code of a game that can be played.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sw::game;
  static const Content content = *parse_content(embedded_content());
  const std::string_view code(reinterpret_cast<const char*>(data), size);
  State state = new_game(content, 1);
  const auto begun = apply(content, state, {Adopt{std::string(code)}, 1});
  if (!begun) {
    if (begun.error().what.empty()) std::abort();
    return 0;
  }
  if (share_code(content, state) != code) std::abort();
  return 0;
}
