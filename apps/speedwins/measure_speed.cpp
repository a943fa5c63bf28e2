#include "measure_speed.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "measure/energy.hpp"
#include "measure/statistics.hpp"
#include "measure/stopwatch.hpp"
#include "output.hpp"
#include "peak_memory.hpp"

namespace sw {
namespace {

constexpr std::size_t least_repetitions = 5;

bool is_set(const std::atomic<bool>* flag) {
  return flag && flag->load(std::memory_order_relaxed);
}

/// Half of the interval of the median, as a fraction of it.
double uncertainty(const std::vector<double>& samples) {
  const Interval interval = bootstrap_median(samples);
  return (interval.high - interval.low) / 2 / median(samples);
}

/// The work with the flags of the model that belong to it.
SpeedWork work_of(const SpeedPlan& plan) {
  SpeedWork work = plan.work;
  work.kv_type = plan.model.kv_type;
  return work;
}

/// One repetition of the work by a model loaded for it.
struct Repetition {
  LoadedModel loaded;
  SpeedRun run;
  double load_ms = 0;

  static Result<Repetition> create(const SpeedPlan& plan) {
    SW_ASSIGN(LoadedModel loaded, load_model(plan.model));
    const Stopwatch creating;
    SW_ASSIGN(SpeedRun run, SpeedRun::create(*loaded.model, *loaded.pool, work_of(plan)));
    const double load_ms = loaded.load_ms + creating.ms();
    return Repetition{std::move(loaded), std::move(run), load_ms};
  }
};

void add(SpeedMeasurement& m, const SpeedWork& work, double load_ms, const SpeedSample& sample) {
  m.prefill_tok_s.push_back(sample.prefill_tok_s(work));
  m.decode_tok_s.push_back(sample.decode_tok_s(work));
  m.ttft_ms.push_back(sample.ttft_ms);
  m.load_ms.push_back(load_ms);
  m.peak_rss_bytes.push_back(static_cast<double>(peak_memory_bytes()));
  m.tokenize_ms.push_back(sample.tokenize_ms);
  m.queue_ms.push_back(sample.queue_ms);
  m.prefill_ms.push_back(sample.prefill_ms);
  m.decode_ms.push_back(sample.decode_ms);
  m.total_ms.push_back(sample.total_ms);
  m.inter_token_ms.insert(m.inter_token_ms.end(), sample.inter_token_ms.begin(), sample.inter_token_ms.end());
}

struct Kept {
  const char *name, *unit;
  Better better;
  std::vector<double> SpeedMeasurement::*samples;
};
constexpr Kept kept[] = {{"prefill_tok_s", "tok/s", Better::higher, &SpeedMeasurement::prefill_tok_s},
                         {"decode_tok_s", "tok/s", Better::higher, &SpeedMeasurement::decode_tok_s},
                         {"ttft_ms", "ms", Better::lower, &SpeedMeasurement::ttft_ms},
                         {"load_ms", "ms", Better::lower, &SpeedMeasurement::load_ms},
                         {"peak_rss_bytes", "bytes", Better::lower, &SpeedMeasurement::peak_rss_bytes}};

}  // namespace

std::vector<Metric> SpeedMeasurement::metrics() const {
  std::vector<Metric> metrics;
  for (const Kept& k : kept) metrics.push_back(timing_metric(k.name, k.unit, k.better, this->*k.samples));
  return metrics;
}

Result<SpeedMeasurement> measure_speed(const SpeedPlan& plan, const SpeedHooks& hooks) {
  SpeedMeasurement m;
  hooks.progress("warming up");
  {
    SW_ASSIGN(Repetition warm_up, Repetition::create(plan));
    m.threads = warm_up.loaded.pool->size();
    m.memory = warm_up.run.memory();
    SW_ASSIGN(const RecordedRun recorded, warm_up.run.record(hooks.stop));
    m.prefill = counts_of(recorded.prefill);
    m.decode = counts_of(recorded.decode);
  }
  auto energy = EnergyMeter::open();
  if (!energy) m.no_energy = energy.error().what;

  const Stopwatch stopwatch;
  const auto enough = [&] {
    if (plan.repetitions > 0) return m.repetitions() >= static_cast<std::size_t>(plan.repetitions);
    if (m.repetitions() > 0 && stopwatch.ms() > plan.seconds * 1e3) return true;
    return m.repetitions() >= least_repetitions && uncertainty(m.prefill_tok_s) <= plan.precision &&
           uncertainty(m.decode_tok_s) <= plan.precision;
  };
  while (!enough()) {
    if (is_set(hooks.stop)) {
      m.interrupted = true;
      break;
    }
    const std::string n = plan.repetitions > 0 ? fmt::format("{} of {}", m.repetitions() + 1, plan.repetitions)
                                               : fmt::format("{}", m.repetitions() + 1);
    hooks.progress(m.repetitions() < 2
                       ? fmt::format("repetition {}", n)
                       : fmt::format("repetition {}: decode {:.1f} tok/s ± {:.1f}%, {:.0f} s", n,
                                     median(m.decode_tok_s), 100 * uncertainty(m.decode_tok_s), stopwatch.ms() / 1e3));
    reset_peak_memory();
    SW_ASSIGN(Repetition repetition, Repetition::create(plan));
    const double joules = energy ? energy->joules() : 0;
    const auto sample = repetition.run.run(hooks.stop);
    if (!sample) {
      if (!is_set(hooks.stop)) return std::unexpected(sample.error());
      m.interrupted = true;
      break;
    }
    if (energy) m.joules.push_back(energy->joules() - joules);
    add(m, plan.work, repetition.load_ms, *sample);
    for (const Kept& k : kept)
      hooks.sample({.name = k.name, .unit = k.unit, .kind = MetricKind::timing, .better = k.better},
                   (m.*k.samples).back());
  }
  if (m.repetitions() == 0) return fail("interrupted before the first repetition was done");
  return m;
}

std::string configuration_json(const ModelFlags& model, const SpeedWork& work) {
  const nlohmann::json configuration = {{"batch", work.batch},
                                        {"context", model.context},
                                        {"kv", name(model.kv_type)},
                                        {"new_tokens", work.new_tokens},
                                        {"prompt_tokens", work.prompt_tokens},
                                        {"threads", model.threads > 0 ? model.threads : available_threads()}};
  return configuration.dump();
}

void add_work_flags(CLI::App& command, SpeedWork& work) {
  command.add_option("-p,--prompt-tokens", work.prompt_tokens, "Prompt tokens of each sequence")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command.add_option("-n,--new-tokens", work.new_tokens, "New tokens of each sequence")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command.add_option("-b,--batch", work.batch, "Sequences decoded together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
}

}  // namespace sw
