#include <benchmark/benchmark.h>

#include "game/api.hpp"
#include "game/embedded_content.hpp"
#include "game/policies.hpp"
#include "game/random.hpp"
#include "game/rules.hpp"

namespace {

using namespace sw::game;

const Content& content() {
  static const Content loaded = *parse_content(embedded_content());
  return loaded;
}

/// Any pair of what was found, in a game that is `range(0)` combinations old and grows as it is played.
void combine(benchmark::State& run) {
  const State begun = play_policy(content(), Policy::attentive, 1, static_cast<int>(run.range(0))).end;
  State state = begun;
  Random random(7);
  for (auto _ : run) {
    const auto any = [&] { return state.found[random.below(state.found.size())].idea; };
    benchmark::DoNotOptimize(apply(content(), state, {Combine{{any(), any()}, {}}, state.last_at}));
    if (state.moves > 2 * static_cast<std::uint32_t>(run.range(0)) + 1000) {
      run.PauseTiming();
      state = begun;
      run.ResumeTiming();
    }
  }
  run.SetItemsProcessed(run.iterations());
}
BENCHMARK(combine)->Arg(10)->Arg(500)->Arg(3000);

/// The same through the interface: JSON in, rules, a row in SQLite, JSON out. One player.
void combine_over_the_interface(benchmark::State& run) {
  const auto store = std::move(*Store::open(std::move(*open_sqlite("/tmp/speedwins-bench-game.db"))));
  const auto api =
      std::move(*Api::create(content(), embedded_content(), *store, {.requests_per_second = 1e9, .burst = 1e9}));
  const auto first = api->handle({.method = "GET", .path = "/session", .client = "bench"});
  std::string cookie;
  for (const auto& [name, value] : first.headers)
    if (name == "Set-Cookie") cookie = value.substr(value.find('=') + 1, value.find(';') - value.find('=') - 1);
  std::size_t n = 0;
  const char* bodies[] = {R"({"ingredients":["linear_algebra","calculus"]})",
                          R"({"ingredients":["linear_algebra","probability"]})",
                          R"({"ingredients":["probability","calculus"]})"};
  for (auto _ : run) {
    const auto answer = api->handle({.method = "POST", .path = "/combine", .body = bodies[n++ % 3], .cookie = cookie});
    if (answer.status != 200) run.SkipWithError(answer.body.c_str());
    if (n % 1000 == 0) {
      run.PauseTiming();
      (void)api->handle({.method = "POST", .path = "/reset", .body = "{}", .cookie = cookie});
      run.ResumeTiming();
    }
  }
  run.SetItemsProcessed(run.iterations());
}
BENCHMARK(combine_over_the_interface);

void replay_of_a_long_game(benchmark::State& run) {
  const State state = play_policy(content(), Policy::random, 1, 5000).end;
  const Record record{state.seed, state.history};
  for (auto _ : run) benchmark::DoNotOptimize(replay(content(), record));
  run.SetItemsProcessed(run.iterations() * static_cast<std::int64_t>(record.moves.size()));
}
BENCHMARK(replay_of_a_long_game);

}  // namespace
