#include "measure/profile.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace sw {
namespace {

constexpr double overhead_share = 0.1;

double milliseconds(std::int64_t begin_ns, std::int64_t end_ns) {
  return static_cast<double>(end_ns - begin_ns) / 1e6;
}

std::pair<std::string, int> key_of(const SpanRecord& span, GroupBy group_by) {
  switch (group_by) {
    case GroupBy::op:
      return {span.op, -1};
    case GroupBy::layer:
      return {span.layer < 0 ? span.op : "", span.layer};
    case GroupBy::op_and_layer:
      break;
  }
  return {span.op, span.layer};
}

}  // namespace

const char* name(Bound bound) {
  switch (bound) {
    case Bound::memory:
      return "memory";
    case Bound::compute:
      return "compute";
    case Bound::overhead:
      break;
  }
  return "overhead";
}

double Roof::memory_ms(double bytes) const {
  return bandwidth_gb_s() > 0 ? bytes / bandwidth_gb_s() / 1e6 : 0;
}

double Roof::compute_ms(double operations, Arithmetic arithmetic) const {
  const double peak = limits.peak_gop_s(arithmetic);
  return peak > 0 ? operations / peak / 1e6 : 0;
}

Roof roof_for(const Limits& limits, std::int64_t cache_bytes, int threads, double bytes_per_pass) {
  // Half of the cache is where its bandwidth was measured; code and activations want room as well.
  return {.limits = limits.at(threads), .in_cache = bytes_per_pass <= static_cast<double>(cache_bytes) / 2};
}

double bytes_per_pass(std::span<const SpanRecord> spans, std::size_t passes) {
  double bytes = 0;
  for (const SpanRecord& span : spans) bytes += span.bytes;
  return passes == 0 ? 0 : bytes / static_cast<double>(passes);
}

PhaseProfile profile_phase(std::string name, std::span<const PassRecord> passes, std::span<const SpanRecord> spans,
                           const Roof& roof, GroupBy group_by) {
  PhaseProfile phase;
  phase.name = std::move(name);
  phase.roof = roof;
  phase.passes = static_cast<int>(passes.size());
  for (const PassRecord& pass : passes) {
    phase.tokens += pass.tokens;
    phase.ms += milliseconds(pass.begin_ns, pass.end_ns);
  }

  struct Total {
    OpProfile op;
    double memory_ms = 0, compute_ms = 0;
  };
  std::map<std::pair<std::string, int>, Total> totals;
  std::int64_t unaccounted_ns = 0;  // whole numbers: spans without a gap leave none
  for (const PassRecord& pass : passes) unaccounted_ns += pass.end_ns - pass.begin_ns;
  for (const SpanRecord& span : spans) {
    auto& [op, memory_ms, compute_ms] = totals[key_of(span, group_by)];
    const double ms = milliseconds(span.begin_ns, span.end_ns);
    const double memory = roof.memory_ms(span.bytes), compute = roof.compute_ms(span.operations, span.arithmetic);
    ++op.calls;
    op.ms += ms;
    op.bytes += span.bytes;
    op.operations += span.operations;
    op.limit_ms += std::max(memory, compute);
    memory_ms += memory;
    compute_ms += compute;
    unaccounted_ns -= span.end_ns - span.begin_ns;
  }
  phase.unaccounted_ms = milliseconds(0, unaccounted_ns);
  for (auto& [key, total] : totals) {
    OpProfile& op = total.op;
    std::tie(op.op, op.layer) = key;
    const bool explained = op.limit_ms > 0 && op.limit_ms >= overhead_share * op.ms;
    op.bound = !explained ? Bound::overhead : total.memory_ms >= total.compute_ms ? Bound::memory : Bound::compute;
    phase.ops.push_back(std::move(op));
  }
  std::ranges::stable_sort(phase.ops, std::ranges::greater(), &OpProfile::ms);
  return phase;
}

std::vector<HeavyOp> heaviest(std::span<const PhaseProfile> phases, double share) {
  std::vector<HeavyOp> ops;
  double left = 0;
  for (const PhaseProfile& phase : phases) {
    left += share * phase.ms;
    for (const OpProfile& op : phase.ops) ops.push_back({&phase, &op});
  }
  std::ranges::stable_sort(ops, std::ranges::greater(), [](const HeavyOp& heavy) { return heavy.op->ms; });
  std::size_t n = 0;
  while (n < ops.size() && left > 0) left -= ops[n++].op->ms;
  ops.resize(n);
  return ops;
}

}  // namespace sw
