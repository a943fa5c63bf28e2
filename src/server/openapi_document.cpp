#include "server/service.hpp"

// The file itself, put into the program by the assembler.
__asm__(
    ".section .rodata\n"
    ".global speedwins_openapi\n"
    ".global speedwins_openapi_end\n"
    "speedwins_openapi:\n"
    ".incbin \"" SPEEDWINS_OPENAPI_FILE
    "\"\n"
    "speedwins_openapi_end:\n"
    ".previous\n");

extern "C" {
extern const char speedwins_openapi[];      // NOLINT
extern const char speedwins_openapi_end[];  // NOLINT
}

namespace sw {

std::string_view openapi_document() {
  return {speedwins_openapi, static_cast<std::size_t>(speedwins_openapi_end - speedwins_openapi)};
}

}  // namespace sw
