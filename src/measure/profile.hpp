#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "measure/limits.hpp"
#include "measure/spans.hpp"

namespace sw {

/// One forward pass: its spans lie within it.
struct PassRecord {
  std::int64_t begin_ns = 0, end_ns = 0;
  int tokens = 0;
};

/// What holds an op back from being faster.
enum class Bound : std::uint8_t {
  memory,    ///< its bytes take longer than its operations, at the machine's limits
  compute,   ///< the other way round
  overhead,  ///< neither explains a tenth of its time: starting and joining threads, small loops
};
const char* name(Bound bound);

/// The roof over one phase (Williams, Waterman & Patterson 2009): rates that nothing can exceed.
struct Roof {
  ThreadLimits limits;
  /// Whether what a pass reads stays in the last-level cache from one pass to the next.
  bool in_cache = false;

  double bandwidth_gb_s() const { return in_cache ? limits.cache_gb_s : limits.memory_gb_s; }
  /// Milliseconds the work takes at least.
  double memory_ms(double bytes) const;
  double compute_ms(double operations, Arithmetic arithmetic) const;
};
Roof roof_for(const Limits& limits, std::int64_t cache_bytes, int threads, double bytes_per_pass);

/// An op, or one layer's part of it, over all passes of a phase.
struct OpProfile {
  std::string op;
  int layer = -1;  ///< −1: outside the blocks, or all of them together
  int calls = 0;
  double ms = 0, bytes = 0, operations = 0;
  double limit_ms = 0;  ///< what the roof allows
  Bound bound = Bound::overhead;

  double gb_s() const { return ms > 0 ? bytes / ms / 1e6 : 0; }
  double gop_s() const { return ms > 0 ? operations / ms / 1e6 : 0; }
  double fraction_of_limit() const { return ms > 0 ? limit_ms / ms : 0; }
};

/// Prefill or decode.
struct PhaseProfile {
  std::string name;
  int passes = 0, tokens = 0;
  double ms = 0;               ///< of the passes
  double unaccounted_ms = 0;   ///< in no span
  std::vector<OpProfile> ops;  ///< longest first
  Roof roof;
};

enum class GroupBy : std::uint8_t { op, layer, op_and_layer };

/// Bytes one pass reads and writes by its spans, on average.
double bytes_per_pass(std::span<const SpanRecord> spans, std::size_t passes);

/// Adds spans up. Each must lie within one of `passes`.
PhaseProfile profile_phase(std::string name, std::span<const PassRecord> passes, std::span<const SpanRecord> spans,
                           const Roof& roof, GroupBy group_by);

/// The longest ops of `phases` which together take at least `share` of their time, longest first.
struct HeavyOp {
  const PhaseProfile* phase = nullptr;
  const OpProfile* op = nullptr;
};
std::vector<HeavyOp> heaviest(std::span<const PhaseProfile> phases, double share);

}  // namespace sw
