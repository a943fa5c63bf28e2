#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

namespace sw {

/// A flag whose value is a time: "500us", "100ms", "30s", "2m", "1h", or a number of `unit`. `set` gets seconds.
CLI::Option* add_duration(CLI::App& command, const std::string& name, const std::string& unit,
                          std::function<void(double seconds)> set, const std::string& description);

}  // namespace sw
