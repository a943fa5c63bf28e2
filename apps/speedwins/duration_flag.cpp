#include "duration_flag.hpp"

#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>

namespace sw {
namespace {

std::optional<double> parse_seconds(std::string_view text, const std::string& default_unit) {
  static const std::map<std::string_view, double> units = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1},
                                                           {"m", 60},    {"min", 60},  {"h", 3600}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.empty()) unit = default_unit;
  const auto it = units.find(unit);
  if (error != std::errc() || it == units.end() || !std::isfinite(value) || value < 0 || value > 1e9)
    return std::nullopt;
  return value * it->second;
}

}  // namespace

CLI::Option* add_duration(CLI::App& command, const std::string& name, const std::string& unit,
                          std::function<void(double seconds)> set, const std::string& description) {
  return command
      .add_option_function<std::string>(
          name,
          [name, unit, set = std::move(set)](const std::string& text) {
            const auto seconds = parse_seconds(text, unit);
            if (!seconds) throw CLI::ValidationError(name, "'" + text + "' is no time, such as 100ms, 30s or 2m");
            set(*seconds);
          },
          description)
      ->type_name("TIME");
}

}  // namespace sw
