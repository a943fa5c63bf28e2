#pragma once

#include <span>
#include <string>
#include <vector>

#include "measure/profile.hpp"

namespace sw {

/// One phase as it happened.
struct PhaseTrace {
  std::string name;  ///< "prefill"
  std::vector<PassRecord> passes;
  std::vector<SpanRecord> spans;
};

/// Chrome's trace event format ("complete" events, microseconds from the first pass), which Perfetto, chrome://tracing
/// and speedscope read: each pass with its ops below it.
std::string chrome_trace(std::span<const PhaseTrace> phases, const std::string& title);

}  // namespace sw
