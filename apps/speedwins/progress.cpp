#include "progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <memory>

#include <fmt/core.h>

namespace sw {

std::string human_bytes(std::uint64_t bytes) {
  const auto n = static_cast<double>(bytes);
  if (n >= 1e9) return fmt::format("{:.2f} GB", n / 1e9);
  if (n >= 1e6) return fmt::format("{:.1f} MB", n / 1e6);
  if (n >= 1e3) return fmt::format("{:.1f} kB", n / 1e3);
  return fmt::format("{} B", bytes);
}

std::function<void(std::uint64_t, std::uint64_t)> write_progress(std::string verb) {
  if (!::isatty(STDERR_FILENO)) return {};
  auto shown = std::make_shared<std::uint64_t>(101);
  return [verb = std::move(verb), shown](std::uint64_t written, std::uint64_t total) {
    const std::uint64_t percent = total == 0 ? 100 : written * 100 / total;
    if (percent == *shown) return;
    *shown = percent;
    fmt::print(stderr, "\r\x1b[K{} {}% of {}", verb, percent, human_bytes(total));
    if (written == total) fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
  };
}

}  // namespace sw
