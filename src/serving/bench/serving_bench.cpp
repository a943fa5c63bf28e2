// What serving promises, as ratios measured in one run. SPEEDWINS_MODEL names the checkpoint (a context of 2 200 or
// more); the demo, which is too small to tell anything, only shows that the benchmark runs. Steps are measured in CPU
// time on one thread, so that other programs do not count.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "decode/sampler.hpp"
#include "measure/statistics.hpp"
#include "model/executor.hpp"
#include "serving/engine.hpp"

namespace sw {
namespace {

/// CPU time of the process, in milliseconds.
double cpu_ms() {
  return static_cast<double>(std::clock()) * 1e3 / CLOCKS_PER_SEC;
}

struct Loaded {
  std::shared_ptr<Compute> compute = std::make_shared<Compute>(1);
  std::shared_ptr<const Model> model;
  int long_prompt = 2000;

  Loaded() {
    const char* named = std::getenv("SPEEDWINS_MODEL");
    auto opened =
        open_model(named ? named : SPEEDWINS_DEMO, {.context = named ? 4096 : 0, .weights = {}}, compute->pool);
    if (!opened) throw std::runtime_error(opened.error().message());
    model = std::make_shared<const Model>(std::move(*opened));
    long_prompt = std::min(long_prompt, model->spec.context / 2);
  }
};

Loaded& loaded() {
  static Loaded once;
  return once;
}

std::vector<TokenId> tokens_of(int n, int seed) {
  std::vector<TokenId> tokens;
  for (int i = 0; i < n; ++i) tokens.push_back((1000 + seed * 31 + i * 17) % loaded().model->spec.vocab);
  return tokens;
}

Request request_of(std::vector<TokenId> prompt, int n) {
  Request request;
  request.prompt = std::move(prompt);
  request.max_tokens = n;
  request.ignore_eos = true;
  return request;
}

/// The CPU time at which each token of a stream came.
class Stream {
 public:
  Stream(Engine& engine, Request request) {
    const auto id = engine.submit(std::move(request), [this](Output&& output) {
      const double now = cpu_ms();
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < output.tokens.size(); ++i) moments_.push_back(now);
      if (output.finish) timings_ = output.finish->timings;
      done_ = output.done;
      changed_.notify_all();
    });
    if (!id) throw std::runtime_error(id.error().error.message());
  }
  void wait_for(std::size_t tokens) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_ || moments_.size() >= tokens; });
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_; });
  }
  std::vector<double> moments() {
    const std::lock_guard lock(mutex_);
    return moments_;
  }
  RequestTimings timings() {
    wait();
    return timings_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<double> moments_;
  RequestTimings timings_;
  bool done_ = false;
};

std::unique_ptr<Engine> start(const EngineOptions& options) {
  auto engine = Engine::create(loaded().model, loaded().compute, options);
  if (!engine) throw std::runtime_error(engine.error().message());
  return std::move(*engine);
}

/// Time to first token of a long prompt that was read before, by what it took the first time.
void shared_prefix(benchmark::State& state) {
  std::vector<double> memory, disk, first;
  for (auto _ : state) {
    const auto folder = std::filesystem::temp_directory_path() / "speedwins-serving-bench";
    std::filesystem::remove_all(folder);
    EngineOptions options;
    options.cache_folder = folder;
    const auto prompt = tokens_of(loaded().long_prompt, static_cast<int>(first.size()));
    const auto ttft = [&](Engine& engine, TokenId end) {
      auto text = prompt;
      text.push_back(end);
      return Stream(engine, request_of(text, 2)).timings().first_token_ms;
    };
    {
      const auto engine = start(options);
      first.push_back(ttft(*engine, 1));
      memory.push_back(ttft(*engine, 2) / first.back());
    }
    const auto engine = start(options);
    disk.push_back(ttft(*engine, 3) / first.back());
    std::filesystem::remove_all(folder);
  }
  state.counters["first_ms"] = median(first);
  state.counters["again/first"] = median(memory);
  state.counters["again/first_max"] = *std::ranges::max_element(memory);
  state.counters["restarted/first"] = median(disk);
  state.counters["restarted/first_max"] = *std::ranges::max_element(disk);
}

/// Gaps between the tokens of two running texts while a long prompt is read beside them.
void long_prompt_beside_texts(benchmark::State& state) {
  std::vector<double> during_ratio, slowdown, ttft;
  for (auto _ : state) {
    EngineOptions options;
    options.prefix_cache = false;
    const auto engine = start(options);
    Stream a(*engine, request_of(tokens_of(32, 1), 2000)), b(*engine, request_of(tokens_of(32, 2), 2000));
    a.wait_for(40);
    b.wait_for(40);
    const double from = cpu_ms();
    Stream document(*engine, request_of(tokens_of(loaded().long_prompt, 3), 1));
    document.wait();
    const double until = cpu_ms();
    std::vector<double> before, during;
    for (Stream* stream : {&a, &b}) {
      const auto moments = stream->moments();
      for (std::size_t i = 10; i < moments.size(); ++i) {
        const double gap = moments[i] - moments[i - 1];
        if (moments[i] < from) before.push_back(gap);
        if (moments[i - 1] >= from && moments[i] <= until) during.push_back(gap);
      }
    }
    during_ratio.push_back(quantile(during, 0.99) / median(during));
    slowdown.push_back(median(during) / median(before));
    ttft.push_back(until - from);
  }
  state.counters["p99/p50"] = median(during_ratio);
  state.counters["p50/p50_before"] = median(slowdown);
  state.counters["document_ms"] = median(ttft);
}

constexpr int batch = 8, prompt_tokens = 32, new_tokens = 96;

/// Milliseconds per step of `batch` texts, with nothing but the executor and a sampler.
double bare_step_ms() {
  const Model& model = *loaded().model;
  auto state =
      StatePool::create(model.spec, {.max_tokens = batch * (prompt_tokens + new_tokens), .max_sequences = batch});
  auto executor = Executor::create(model.spec, model.weights, loaded().compute->pool, {512, batch});
  std::vector<BatchEntry> entries(batch);
  std::vector<std::vector<TokenId>> texts;
  std::vector<Sampler> samplers(batch, Sampler({}));
  for (int i = 0; i < batch; ++i) {
    texts.push_back(tokens_of(prompt_tokens, i));
    const auto sequence = state->open();
    entries[static_cast<std::size_t>(i)] = {*sequence, texts.back(), 1, 0, nullptr};
  }
  std::vector<double> steps;
  for (int step = 0; step < new_tokens; ++step) {
    const double from = cpu_ms();
    for (std::size_t i = 0; i < batch; ++i) {
      entries[i].tokens = texts[i];
      if (!state->reserve(entries[i].sequence, static_cast<int>(texts[i].size()))) return 0;
    }
    const auto logits = executor->forward(entries, *state);
    loaded().compute->pool.parallel_for(batch, 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i)
        texts[static_cast<std::size_t>(i)] = {
            samplers[static_cast<std::size_t>(i)].sample(logits->row(static_cast<int>(i))).token};
    });
    if (step > 0) steps.push_back(cpu_ms() - from);
  }
  return median(steps);
}

double served_step_ms(Engine& engine, int seed) {
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < batch; ++i)
    streams.push_back(
        std::make_unique<Stream>(engine, request_of(tokens_of(prompt_tokens, seed * batch + i), new_tokens)));
  double from = 0;
  for (const auto& stream : streams) stream->wait();
  for (const auto& stream : streams) from = std::max(from, stream->moments().front());
  std::vector<double> gaps;
  const auto moments = streams.front()->moments();
  for (std::size_t i = 1; i < moments.size(); ++i)
    if (moments[i - 1] > from) gaps.push_back(moments[i] - moments[i - 1]);
  return median(gaps);
}

/// A step of the engine by a step of the executor alone, for the same texts side by side.
void engine_over_executor(benchmark::State& state) {
  const auto engine = start({});
  std::vector<double> ratios, bare;
  int seed = 0;
  for (auto _ : state) {
    bare.push_back(bare_step_ms());
    ratios.push_back(served_step_ms(*engine, seed++) / bare.back());
  }
  state.counters["engine/executor"] = median(ratios);
  state.counters["low"] = quantile(ratios, 0.25);
  state.counters["high"] = quantile(ratios, 0.75);
  state.counters["executor_ms"] = median(bare);
}

BENCHMARK(shared_prefix)->Iterations(3)->Unit(benchmark::kMillisecond);
BENCHMARK(long_prompt_beside_texts)->Iterations(3)->Unit(benchmark::kMillisecond);
BENCHMARK(engine_over_executor)->Iterations(7)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sw
