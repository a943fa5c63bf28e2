#include "hub/embedded_demo.hpp"

// The assembler copies the file into the program's read-only data: no conversion, no compile time, no second file to
// lose when the program is moved.
asm(".section .rodata\n"
    ".balign 64\n"
    "speedwins_demo_begin:\n"
    ".incbin \"" SPEEDWINS_DEMO_FILE
    "\"\n"
    "speedwins_demo_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
extern const std::byte speedwins_demo_begin[];
extern const std::byte speedwins_demo_end[];
}

namespace sw {

std::span<const std::byte> embedded_demo() {
  return {speedwins_demo_begin, speedwins_demo_end};
}

}  // namespace sw
