#include <fmt/core.h>

#include <cmath>

#include "measure/report.hpp"

namespace sw::report {

std::string show_number(double value) {
  if (!std::isfinite(value)) return "-";
  const double size = std::abs(value);
  if (size == 0) return "0";
  // Rounding may add a digit: 9.996 is 10.0, not 10.00.
  if (size >= 1e15 || size < 1e-4) return fmt::format("{:.3g}", value);
  if (size >= 99.95) return fmt::format("{:.0f}", value);
  if (size >= 9.995) return fmt::format("{:.1f}", value);
  if (size >= 0.9995) return fmt::format("{:.2f}", value);
  const int decimals = 2 - static_cast<int>(std::floor(std::log10(size)));
  return fmt::format("{:.{}f}", value, decimals);
}

std::string show_bytes(double bytes) {
  if (!std::isfinite(bytes)) return "-";
  const double size = std::abs(bytes);
  if (size >= 1e9) return fmt::format("{:.2f} GB", bytes / 1e9);
  if (size >= 1e6) return fmt::format("{:.1f} MB", bytes / 1e6);
  if (size >= 1e3) return fmt::format("{:.1f} kB", bytes / 1e3);
  return fmt::format("{:.0f} B", bytes);
}

std::string show(double value, Format format) {
  if (!std::isfinite(value)) return "-";
  switch (format) {
    case Format::text:
    case Format::number:
      return show_number(value);
    case Format::integer:
      return fmt::format("{:.0f}", value);
    case Format::percent:
    case Format::bar:
      return fmt::format("{:.1f}%", 100 * value);
    case Format::bytes:
      return show_bytes(value);
  }
  return "-";
}

}  // namespace sw::report
