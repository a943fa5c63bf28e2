#include "hub/embedded_models.hpp"

#include <array>

// The assembler copies the files into the program's read-only data: no conversion, no compile time, no other file to
// lose when the program is moved.
#define SPEEDWINS_EMBED(label, file)     \
  asm(".section .rodata\n"               \
      ".balign 64\n"                     \
      "speedwins_" label "_begin:\n"     \
      ".incbin \"" SPEEDWINS_MODELS "/"  \
      file                               \
      "\"\n"                             \
      "speedwins_" label "_end:\n"       \
      ".byte 0\n"                        \
      ".previous\n")

SPEEDWINS_EMBED("demo", "demo.gguf");
SPEEDWINS_EMBED("demo_small", "demo-small.gguf");
SPEEDWINS_EMBED("demo_draft", "demo-draft.gguf");

extern "C" {
extern const std::byte speedwins_demo_begin[], speedwins_demo_end[];
extern const std::byte speedwins_demo_small_begin[], speedwins_demo_small_end[];
extern const std::byte speedwins_demo_draft_begin[], speedwins_demo_draft_end[];
}

namespace sw {

std::span<const EmbeddedModel> embedded_models() {
  static const std::array<EmbeddedModel, 3> models = {{
      {"demo", {speedwins_demo_begin, speedwins_demo_end}},
      {"demo-small", {speedwins_demo_small_begin, speedwins_demo_small_end}},
      {"demo-draft", {speedwins_demo_draft_begin, speedwins_demo_draft_end}},
  }};
  return models;
}

}  // namespace sw
