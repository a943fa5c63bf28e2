#include <fmt/core.h>
#include <fmt/ranges.h>

#include <cmath>
#include <memory>
#include <string>

#include "commands.hpp"
#include "measure/machine_cache.hpp"
#include "progress.hpp"
#include "progress_line.hpp"

namespace sw {
namespace {

void add_line(std::string& out, std::string_view label, const std::string& value) {
  out += fmt::format("  {:<13}{}\n", label, value);
}

std::string plural(int n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

/// Words in lines of at most `width` characters, each but the first indented like a value.
std::string wrapped(const std::vector<std::string>& words, std::size_t width) {
  std::string out, line;
  for (const std::string& word : words) {
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      out += line + '\n' + std::string(15, ' ');
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

/// Cache sizes are powers of two.
std::string cache_size(std::int64_t bytes) {
  return bytes >= 1 << 20 ? fmt::format("{:g} MiB", static_cast<double>(bytes) / (1 << 20))
                          : fmt::format("{} KiB", bytes >> 10);
}

std::string identity(const Machine& m) {
  std::string out = m.cpu.empty() ? "unknown processor" : m.cpu;
  if (m.is_virtual) out += fmt::format(", virtual machine{}", m.hypervisor.empty() ? "" : " (" + m.hypervisor + ")");
  out += "\n\n";
  add_line(
      out, "cores",
      fmt::format("{} on {}, {}", m.cores, plural(m.sockets, "socket"), plural(m.hardware_threads, "hardware thread")));
  if (!m.features.empty()) add_line(out, "instructions", wrapped(m.features, 64));
  std::vector<std::string> caches;
  for (const Cache& cache : m.caches)
    if (cache.type != "Instruction")
      caches.push_back(fmt::format("L{} {}{}", cache.level, cache_size(cache.bytes),
                                   cache.shared_by > 1 ? fmt::format(" for {} threads", cache.shared_by) : ""));
  if (!caches.empty()) add_line(out, "caches", fmt::format("{}", fmt::join(caches, ", ")));
  add_line(out, "memory",
           fmt::format("{}, {}", human_bytes(static_cast<std::uint64_t>(m.memory_bytes)),
                       plural(m.numa_nodes, "NUMA node")));
  std::string frequency = m.current_mhz > 0 ? fmt::format("{:.0f} MHz now", m.current_mhz) : "not readable";
  if (m.max_mhz > 0) frequency += fmt::format(", at most {:.0f} MHz", m.max_mhz);
  frequency += m.governor.empty() ? "; governor not readable" : fmt::format("; governor {}", m.governor);
  add_line(out, "frequency", frequency);
  for (const std::string& gpu : m.gpus) add_line(out, "GPU", gpu);
  return out;
}

std::string rate(double value) {
  if (value <= 0) return "-";
  return value < 100 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

std::string rates(const Limits& limits) {
  std::string out = "\nlimits, best of several short runs\n\n";
  constexpr const char* row = "  {:>7} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n";
  out += fmt::format(fmt::runtime(row), "threads", "memory", "cache", "int8", "BF16", "FP32", "barrier");
  out += fmt::format(fmt::runtime(row), "", "GB/s", "GB/s", "GOP/s", "GOP/s", "GOP/s", "us");
  for (const ThreadLimits& l : limits.by_threads)
    out += fmt::format(fmt::runtime(row), l.threads, rate(l.memory_gb_s), rate(l.cache_gb_s), rate(l.int8_gop_s),
                       rate(l.bf16_gop_s), rate(l.fp32_gop_s),
                       l.barrier_us > 0 ? fmt::format("{:.2f}", l.barrier_us) : "-");
  out += fmt::format("\n  int8 by {}, BF16 by {}, FP32 by {}\n", limits.int8_instruction,
                     limits.bf16_instruction.empty() ? "FP32 after widening" : limits.bf16_instruction,
                     limits.fp32_instruction);
  return out;
}

std::string disturbance(const Limits& limits) {
  if (limits.load_average < 0.5) return "";
  return fmt::format(
      "\nOther programs were running (load {:.1f}): an idle machine can do more,\nmeasured with --refresh.\n",
      limits.load_average);
}

/// Bars grow with the logarithm: each level is several times slower than the one before.
std::string latencies(const Limits& limits) {
  std::string out = "\n  latency of a load that waits for the one before\n";
  for (const LatencyLimit& l : limits.latency) {
    const auto length = static_cast<std::size_t>(std::clamp(8 * std::log2(l.ns + 1), 1.0, 56.0));
    out += fmt::format("  {:<7}{:>8.1f} ns  {}\n", l.level, l.ns, std::string(length, '#'));
  }
  return out;
}

std::string meaning(const Limits& limits) {
  const ThreadLimits& all = limits.by_threads.back();
  if (all.memory_gb_s <= 0 || all.int8_gop_s <= 0) return "";
  return fmt::format(
      "\n1 GB of weights can be read {:.0f} times a second: at most as many tokens/s for one\n"
      "user. One byte read costs as much time as {:.0f} int8 operations: below that many\n"
      "per byte, memory is the limit; above, arithmetic is.\n",
      all.memory_gb_s, all.int8_gop_s / all.memory_gb_s);
}

Result<Report> machine(bool refresh) {
  ProgressLine progress;
  const MeasuredMachine measured = measured_machine(
      SPEEDWINS_VERSION, refresh, [&](std::string_view what) { progress.show(fmt::format("measuring {}", what)); });
  Report report{.json = nlohmann::ordered_json::parse(to_json(measured)), .text = identity(measured.machine)};
  report.text +=
      rates(measured.limits) + latencies(measured.limits) + meaning(measured.limits) + disturbance(measured.limits);
  return report;
}

}  // namespace

void add_machine_command(CLI::App& app, Context& context) {
  auto refresh = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("machine", "What this machine is, and the most it can do");
  command->add_flag("--refresh", *refresh, "Measure again, even if the limits are known");
  command->footer(
      "Limits are measured once and kept in the cache folder ($XDG_CACHE_HOME, else ~/.cache).\n"
      "cache: what fits half of the last-level cache. barrier: one empty job of the thread pool.\n"
      "\n"
      "Examples:\n"
      "  speedwins machine\n"
      "  speedwins machine --refresh --json | jq .limits.by_threads");
  on_command(*command, context, [refresh] { return machine(*refresh); });
}

}  // namespace sw
