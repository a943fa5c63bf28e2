#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "measure/limits.hpp"
#include "measure/machine.hpp"

namespace sw {

/// A machine and what it was measured to do.
struct MeasuredMachine {
  Machine machine;
  Limits limits;
};

/// One JSON document.
std::string to_json(const MeasuredMachine& measured);

/// $XDG_CACHE_HOME/speedwins, or ~/.cache/speedwins; an Error when the environment names neither.
Result<std::filesystem::path> cache_folder();

/// The file that keeps the limits of such a machine in `folder`: another CPU, number of threads or program version has
/// another file, so that a home folder can be shared between machines.
std::filesystem::path limits_file(const std::filesystem::path& folder, const Machine& machine, int threads,
                                  std::string_view version);

/// The limits kept in `file`; an Error when there are none or anything about them is not as it was written.
Result<Limits> read_limits(const std::filesystem::path& file);
Status write_limits(const std::filesystem::path& file, const MeasuredMachine& measured);

/// Kept limits when there are any and `refresh` is false; otherwise they are measured, and kept where that is possible.
MeasuredMachine measured_machine(std::string_view version, bool refresh,
                                 const std::function<void(std::string_view)>& progress);

}  // namespace sw
