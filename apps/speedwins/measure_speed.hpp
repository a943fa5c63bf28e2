#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/counts.hpp"
#include "evaluation/speed.hpp"
#include "load.hpp"
#include "measure/history.hpp"

namespace sw {

/// How long to measure.
struct SpeedPlan {
  ModelFlags model;
  SpeedWork work;
  int repetitions = 0;      ///< 0: until the intervals are narrow or the time is over
  double seconds = 30;      ///< for repetitions that were not asked for
  double precision = 0.02;  ///< half of a 95 % interval, as a fraction of the median
};

/// All that repetitions gave; each vector has one value per repetition.
struct SpeedMeasurement {
  std::vector<double> prefill_tok_s, decode_tok_s, ttft_ms, load_ms, peak_rss_bytes;
  std::vector<double> tokenize_ms, queue_ms, prefill_ms, decode_ms, total_ms;
  std::vector<double> inter_token_ms;  ///< of all repetitions
  std::vector<double> joules;          ///< empty where energy cannot be read
  std::string no_energy;               ///< why not
  MemoryUse memory;
  WorkCounts prefill, decode;
  int threads = 0;
  bool interrupted = false;

  std::size_t repetitions() const { return decode_tok_s.size(); }
  /// Those of the command-line contract, in its order.
  std::vector<Metric> metrics() const;
};

struct SpeedHooks {
  std::function<void(const std::string&)> progress;
  /// After every repetition, each of its metrics with the value just measured.
  std::function<void(const Metric&, double)> sample;
  const std::atomic<bool>* stop = nullptr;
};

/// Loads the model and runs the work, over and over, after one repetition that warms up and counts. Interrupted, it
/// gives what it has; an Error where that is nothing.
Result<SpeedMeasurement> measure_speed(const SpeedPlan& plan, const SpeedHooks& hooks);

/// The configuration of such a measurement as one JSON object with sorted keys.
std::string configuration_json(const ModelFlags& model, const SpeedWork& work);

/// -p, -n and -b.
void add_work_flags(CLI::App& command, SpeedWork& work);

}  // namespace sw
