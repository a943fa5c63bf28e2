#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "game/embedded_content.hpp"
#include "game/save.hpp"

/// Any bytes are either refused with a reason, or a game that is what its own export says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sw::game;
  static const Content content = *parse_content(embedded_content());
  const auto imported = import_save(content, {reinterpret_cast<const char*>(data), size});
  if (!imported) {
    if (imported.error().what.empty() || imported.error().where.empty()) std::abort();
    return 0;
  }
  const auto again = import_save(content, export_save(content, imported->record, imported->state));
  if (!again || again->record.moves != imported->record.moves || again->state.score() != imported->state.score())
    std::abort();
  return 0;
}
