#include "measure/machine_cache.hpp"

#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/thread_pool.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json json_of(const Machine& machine) {
  Json caches = Json::array();
  for (const Cache& cache : machine.caches)
    caches.push_back(
        {{"level", cache.level}, {"type", cache.type}, {"bytes", cache.bytes}, {"shared_by_threads", cache.shared_by}});
  return {{"cpu", machine.cpu},
          {"features", machine.features},
          {"sockets", machine.sockets},
          {"cores", machine.cores},
          {"hardware_threads", machine.hardware_threads},
          {"caches", caches},
          {"memory_bytes", machine.memory_bytes},
          {"numa_nodes", machine.numa_nodes},
          {"current_mhz", machine.current_mhz},
          {"max_mhz", machine.max_mhz},
          {"governor", machine.governor},
          {"virtual", machine.is_virtual},
          {"hypervisor", machine.hypervisor},
          {"gpus", machine.gpus}};
}

Json json_of(const Limits& limits) {
  Json by_threads = Json::array(), latency = Json::array();
  for (const ThreadLimits& row : limits.by_threads)
    by_threads.push_back({{"threads", row.threads},
                          {"memory_gb_s", row.memory_gb_s},
                          {"cache_gb_s", row.cache_gb_s},
                          {"int8_gop_s", row.int8_gop_s},
                          {"bf16_gop_s", row.bf16_gop_s},
                          {"fp32_gop_s", row.fp32_gop_s},
                          {"barrier_us", row.barrier_us}});
  for (const LatencyLimit& row : limits.latency)
    latency.push_back({{"level", row.level}, {"working_set_bytes", row.working_set}, {"ns", row.ns}});
  return {{"int8_instruction", limits.int8_instruction},
          {"bf16_instruction", limits.bf16_instruction},
          {"fp32_instruction", limits.fp32_instruction},
          {"load_average", limits.load_average},
          {"by_threads", by_threads},
          {"latency", latency}};
}

/// A measured rate or time. Anything else throws, as nlohmann does for missing fields.
double measured(const Json& row, const char* name) {
  const double value = row.at(name).get<double>();
  if (!std::isfinite(value) || value < 0) throw std::range_error(name);
  return value;
}

Limits limits_of(const Json& json) {
  Limits limits{.int8_instruction = json.at("int8_instruction").get<std::string>(),
                .bf16_instruction = json.at("bf16_instruction").get<std::string>(),
                .fp32_instruction = json.at("fp32_instruction").get<std::string>(),
                .by_threads = {},
                .latency = {},
                .load_average = measured(json, "load_average")};
  int previous = 0;
  for (const Json& row : json.at("by_threads")) {
    limits.by_threads.push_back({.threads = row.at("threads").get<int>(),
                                 .memory_gb_s = measured(row, "memory_gb_s"),
                                 .cache_gb_s = measured(row, "cache_gb_s"),
                                 .int8_gop_s = measured(row, "int8_gop_s"),
                                 .bf16_gop_s = measured(row, "bf16_gop_s"),
                                 .fp32_gop_s = measured(row, "fp32_gop_s"),
                                 .barrier_us = measured(row, "barrier_us")});
    if (limits.by_threads.back().threads <= previous) throw std::range_error("threads");
    previous = limits.by_threads.back().threads;
  }
  if (limits.by_threads.empty()) throw std::range_error("by_threads");
  for (const Json& row : json.at("latency"))
    limits.latency.push_back(
        {row.at("level").get<std::string>(), row.at("working_set_bytes").get<std::int64_t>(), measured(row, "ns")});
  return limits;
}

/// FNV-1a: names a file, guards nothing.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value;
}

}  // namespace

std::string to_json(const MeasuredMachine& measured) {
  return Json{{"machine", json_of(measured.machine)}, {"limits", json_of(measured.limits)}}.dump(
      2, ' ', false, Json::error_handler_t::replace);
}

Result<fs::path> cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache) return fs::path(cache) / "speedwins";
  if (const char* home = std::getenv("HOME"); home && *home) return fs::path(home) / ".cache" / "speedwins";
  return fail("neither XDG_CACHE_HOME nor HOME is set", "the environment", "a folder for measured limits");
}

fs::path limits_file(const fs::path& folder, const Machine& machine, int threads, std::string_view version) {
  return folder / fmt::format("machine-{:016x}.json", hash(fmt::format("{}|{}|{}|{}", machine.cpu,
                                                                       machine.hardware_threads, threads, version)));
}

Result<Limits> read_limits(const fs::path& file) {
  SW_ASSIGN(const std::string text, read_text_file(file, 1 << 20));
  try {
    return limits_of(Json::parse(text).at("limits"));
  } catch (const std::exception& exception) {
    return fail(fmt::format("is damaged: {}", exception.what()), file.string(),
                "limits as `speedwins machine` keeps them", "Measure again: speedwins machine --refresh");
  }
}

Status write_limits(const fs::path& file, const MeasuredMachine& measured) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) return fail(fmt::format("cannot make the folder: {}", error.message()), file.parent_path().string());
  SW_ASSIGN(AtomicFile out, AtomicFile::create(file));
  SW_TRY(out.write(to_json(measured) + "\n"));
  return out.commit();
}

MeasuredMachine measured_machine(std::string_view version, bool refresh,
                                 const std::function<void(std::string_view)>& progress) {
  MeasuredMachine measured{.machine = identify_machine(), .limits = {}};
  const auto folder = cache_folder();
  const fs::path file = folder ? limits_file(*folder, measured.machine, available_threads(), version) : fs::path();
  if (folder && !refresh)
    if (auto kept = read_limits(file)) {
      measured.limits = std::move(*kept);
      return measured;
    }
  measured.limits = measure_limits(measured.machine, progress);
  // A read-only home costs the next command a new measurement, nothing else.
  if (folder) static_cast<void>(write_limits(file, measured));
  return measured;
}

}  // namespace sw
