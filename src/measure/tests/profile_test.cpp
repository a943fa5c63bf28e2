#include "measure/profile.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "measure/trace.hpp"

namespace sw {
namespace {

constexpr std::int64_t ms = 1'000'000;

/// 10 GB/s of memory, 100 GB/s of cache; 1000 int8, 400 BF16 and 200 FP32 GOP/s.
Limits limits() {
  Limits limits;
  limits.by_threads = {
      {.threads = 1, .memory_gb_s = 10, .cache_gb_s = 100, .int8_gop_s = 1000, .bf16_gop_s = 400, .fp32_gop_s = 200}};
  return limits;
}
const Roof roof = {.limits = limits().by_threads[0]};

/// Two decode passes of 10 ms over two layers: 4 ms of "down" each, 0.5 ms of "norm", 0.9 ms of head; 0.1 ms is in
/// none.
const std::vector<PassRecord> passes = {{100 * ms, 110 * ms, 1}, {200 * ms, 210 * ms, 1}};
std::vector<SpanRecord> two_passes() {
  std::vector<SpanRecord> spans;
  for (const PassRecord& pass : passes) {
    std::int64_t at = pass.begin_ns;
    const auto add = [&](const char* op, int layer, std::int64_t ns, double bytes, double operations) {
      spans.push_back({op, layer, at, at + ns, bytes, operations, Arithmetic::int8});
      at += ns;
    };
    for (int layer = 0; layer < 2; ++layer) {
      add("norm", layer, ms / 2, 0, 0);
      add("down", layer, 4 * ms, 20e6, 40e6);
    }
    add("head", -1, 9 * ms / 10, 1e6, 600e6);
  }
  return spans;
}

TEST(Profile, times_bytes_and_operations_of_an_op_are_added_up_over_layers_and_passes) {
  const auto spans = two_passes();
  const PhaseProfile phase = profile_phase("decode", passes, spans, roof, GroupBy::op);
  EXPECT_EQ(phase.passes, 2);
  EXPECT_EQ(phase.tokens, 2);
  EXPECT_DOUBLE_EQ(phase.ms, 20);
  EXPECT_NEAR(phase.unaccounted_ms, 0.2, 1e-9);
  ASSERT_EQ(phase.ops.size(), 3u);
  EXPECT_EQ(phase.ops[0].op, "down");
  EXPECT_EQ(phase.ops[0].calls, 4);
  EXPECT_DOUBLE_EQ(phase.ops[0].ms, 16);
  EXPECT_DOUBLE_EQ(phase.ops[0].gb_s(), 5);    // 80 MB in 16 ms
  EXPECT_DOUBLE_EQ(phase.ops[0].gop_s(), 10);  // 160 MOP in 16 ms
  EXPECT_EQ(phase.ops[1].op, "norm");
  EXPECT_EQ(phase.ops[2].op, "head");
}

TEST(Profile, the_roof_says_what_bounds_an_op_and_how_near_it_is) {
  const auto spans = two_passes();
  const PhaseProfile phase = profile_phase("decode", passes, spans, roof, GroupBy::op);
  EXPECT_EQ(phase.ops[0].bound, Bound::memory);
  EXPECT_DOUBLE_EQ(phase.ops[0].fraction_of_limit(), 0.5);  // 20 MB at 10 GB/s are 2 of 4 ms
  EXPECT_EQ(phase.ops[1].bound, Bound::overhead);
  EXPECT_EQ(phase.ops[1].fraction_of_limit(), 0);
  EXPECT_EQ(phase.ops[2].bound, Bound::compute);
  EXPECT_NEAR(phase.ops[2].fraction_of_limit(), 0.6 / 0.9, 1e-9);  // 600 MOP at 1000 GOP/s are 0.6 of 0.9 ms
}

TEST(Profile, an_arithmetic_has_its_own_peak) {
  EXPECT_DOUBLE_EQ(roof.compute_ms(1e9, Arithmetic::int8), 1);
  EXPECT_DOUBLE_EQ(roof.compute_ms(1e9, Arithmetic::bf16), 2.5);
  EXPECT_DOUBLE_EQ(roof.compute_ms(1e9, Arithmetic::fp32), 5);
  // The same product is bound by memory in int8 and by arithmetic in fp32.
  const std::vector<PassRecord> pass = {{0, 10 * ms, 1}};
  SpanRecord span = {"down", 0, 0, 10 * ms, 30e6, 1e9, Arithmetic::int8};
  EXPECT_EQ(profile_phase("p", pass, {&span, 1}, roof, GroupBy::op).ops[0].bound, Bound::memory);
  span.arithmetic = Arithmetic::fp32;
  EXPECT_EQ(profile_phase("p", pass, {&span, 1}, roof, GroupBy::op).ops[0].bound, Bound::compute);
}

TEST(Profile, a_model_that_fits_the_cache_has_the_roof_of_the_cache) {
  const Limits machine = limits();
  EXPECT_DOUBLE_EQ(roof_for(machine, 32 << 20, 1, 16 << 20).bandwidth_gb_s(), 100);
  EXPECT_DOUBLE_EQ(roof_for(machine, 32 << 20, 1, 17 << 20).bandwidth_gb_s(), 10);
  EXPECT_DOUBLE_EQ(roof_for(machine, 0, 1, 1).bandwidth_gb_s(), 10);
}

TEST(Profile, layers_keep_the_time_of_all_their_ops) {
  const auto spans = two_passes();
  const PhaseProfile phase = profile_phase("decode", passes, spans, roof, GroupBy::layer);
  ASSERT_EQ(phase.ops.size(), 3u);  // layers 0 and 1, and the head
  EXPECT_DOUBLE_EQ(phase.ops[0].ms, 9);
  EXPECT_DOUBLE_EQ(phase.ops[1].ms, 9);
  EXPECT_EQ(phase.ops[2].op, "head");
  EXPECT_EQ(profile_phase("decode", passes, spans, roof, GroupBy::op_and_layer).ops.size(), 5u);
}

TEST(Profile, the_heaviest_ops_are_the_fewest_that_hold_the_share) {
  const auto spans = two_passes();
  const PhaseProfile phases[] = {profile_phase("decode", passes, spans, roof, GroupBy::op)};
  EXPECT_EQ(heaviest(phases, 0.8).size(), 1u);   // 16 of 20 ms
  EXPECT_EQ(heaviest(phases, 0.85).size(), 2u);  // 18
  EXPECT_EQ(heaviest(phases, 1).size(), 3u);     // all there are, though 0.2 ms are in none
  EXPECT_EQ(heaviest(phases, 0.8)[0].op->op, "down");
  EXPECT_TRUE(heaviest({}, 0.8).empty());
}

TEST(Profile, no_passes_take_no_time) {
  const PhaseProfile phase = profile_phase("decode", {}, {}, roof, GroupBy::op);
  EXPECT_EQ(phase.ms, 0);
  EXPECT_TRUE(phase.ops.empty());
  EXPECT_EQ(bytes_per_pass({}, 0), 0);
}

TEST(Trace, is_json_whose_spans_lie_within_their_passes) {
  const auto spans = two_passes();
  const PhaseTrace phases[] = {{"decode", passes, spans}};
  const auto json = nlohmann::json::parse(chrome_trace(phases, "a \"model\"\xff"));
  int n_passes = 0, n_spans = 0;
  double begin = 0, end = 0;
  for (const auto& event : json.at("traceEvents")) {
    if (event.at("ph") == "M") continue;
    ASSERT_EQ(event.at("ph"), "X");
    if (event.at("cat") != "pass") continue;
    ++n_passes;
    begin = event.at("ts");
    end = begin + event.at("dur").get<double>();
    for (const auto& span : json.at("traceEvents"))
      n_spans += span.at("ph") == "X" && span.at("cat") == "decode" && span.at("ts") >= begin &&
                 span.at("ts").get<double>() + span.at("dur").get<double>() <= end;
  }
  EXPECT_EQ(n_passes, 2);
  EXPECT_EQ(n_spans, static_cast<int>(spans.size()));
  EXPECT_EQ(json.at("traceEvents")[2].at("ts"), 0);
}

TEST(Trace, tells_layer_and_rates_of_a_span) {
  const PhaseTrace phases[] = {{"decode", {{0, 2 * ms, 1}}, {{"down", 3, 0, 2 * ms, 20e6, 40e6}}}};
  const auto json = nlohmann::json::parse(chrome_trace(phases, "model"));
  const auto& span = json.at("traceEvents").back();
  EXPECT_EQ(span.at("name"), "down");
  EXPECT_EQ(span.at("dur"), 2000);
  EXPECT_EQ(span.at("args").at("layer"), 3);
  EXPECT_DOUBLE_EQ(span.at("args").at("GB/s"), 10);
  EXPECT_DOUBLE_EQ(span.at("args").at("GOP/s"), 20);
}

}  // namespace
}  // namespace sw
