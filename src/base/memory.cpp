#include "base/memory.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace sw {

namespace {
constexpr std::size_t huge_page = std::size_t{2} << 20;
}

Result<Memory> Memory::allocate(std::size_t bytes) {
  Memory memory;
  if (bytes == 0) return memory;
  // Huge pages need 2 MiB alignment, which mmap does not promise: map more, and give back the ends.
  const bool large = bytes >= 2 * huge_page;
  const std::size_t mapped = large ? bytes + huge_page : bytes;
  void* raw = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED)
    return fail("cannot allocate " + std::to_string(bytes) + " bytes: " + std::strerror(errno), "memory", {},
                "Close other programs, or choose a smaller model or context");
  auto* begin = static_cast<std::byte*>(raw);
  if (large) {
    const auto address = reinterpret_cast<std::uintptr_t>(begin);
    const std::size_t skip = (huge_page - address % huge_page) % huge_page;
    constexpr std::size_t page = 4096;
    const std::size_t kept = (bytes + page - 1) / page * page;
    if (skip > 0) ::munmap(begin, skip);
    if (mapped > skip + kept) ::munmap(begin + skip + kept, mapped - skip - kept);
    begin += skip;
    ::madvise(begin, bytes, MADV_HUGEPAGE);
  }
  memory.data_ = begin;
  memory.size_ = bytes;
  return memory;
}

Memory::~Memory() {
  if (data_) ::munmap(data_, size_);
}

}  // namespace sw
