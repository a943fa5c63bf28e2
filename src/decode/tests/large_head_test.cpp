// Choices from heads that are screened, through the whole model: the same tokens as from all logits.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "decode/sampler.hpp"
#include "model/executor.hpp"
#include "model/tests/large_head.hpp"

namespace sw {
namespace {

std::vector<SamplingOptions> all_options() {
  std::vector<SamplingOptions> out;
  for (const float temperature : {0.0f, 0.03f, 0.2f, 1.0f})
    for (const float top_p : {1.0f, 0.95f, 0.5f})
      for (const int top_k : {0, 20})
        for (const bool adjusts : {false, true}) {
          if (top_k != 0 && top_p != 0.95f) continue;
          SamplingOptions options;
          options.temperature = temperature;
          options.top_p = top_p;
          options.top_k = top_k;
          options.min_p = top_p == 0.5f ? 0.05f : 0;
          if (adjusts) {
            options.repetition_penalty = 1.2f;
            options.frequency_penalty = 0.5f;
            options.logit_bias = {{40, 1.0f}, {4999, -100.0f}};
          }
          options.seed = out.size();
          out.push_back(options);
        }
  return out;
}

class ChoicesFromLargeHeads : public testing::TestWithParam<HeadCase> {};
INSTANTIATE_TEST_SUITE_P(, ChoicesFromLargeHeads,
                         testing::Values(HeadCase{"q8_0", DType::q8_0}, HeadCase{"f16", DType::f16},
                                         HeadCase{"bf16", DType::bf16}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(ChoicesFromLargeHeads, are_those_of_all_logits) {
  const auto golden =
      open_checkpoint(std::filesystem::path(SPEEDWINS_SOURCE_DIR) / "tests/golden/models/llama-k256").value();
  const Checkpoint checkpoint = with_head(golden.checkpoint, GetParam());
  const ModelSpec spec = read_spec(checkpoint, 64).value();
  ThreadPool pool(2);
  for (const Kernels* kernels : available_kernels()) {
    const auto weights = Weights::load(spec, checkpoint, {.kernels = kernels}, pool).value();
    const Packing packing = weights->head().matrix.packing;
    const bool is_split = packing == Packing::q8_split || packing == Packing::bf16_split;
    Executor executor = Executor::create(spec, weights, pool, {.max_batch_tokens = 64, .max_logits = 64}).value();
    StatePool state = StatePool::create(spec, {.max_tokens = 256, .max_sequences = 2, .kv_type = KvType::f32}).value();
    int screened = 0, left_out = 0;
    for (const SamplingOptions& options : all_options()) {
      ASSERT_TRUE(options.check());
      Sampler from_all(options), from_some(options);
      std::vector<TokenId> tokens = {3, static_cast<TokenId>(options.seed * 90), 1000};
      for (Sampler* sampler : {&from_all, &from_some}) sampler->observe_prompt(tokens);
      const SequenceId sequence = state.open().value();
      for (int step = 0; step < 4; ++step) {
        const auto forward = [&](const WantedLogits& wanted) {
          EXPECT_TRUE(state.truncate(sequence, 0));
          EXPECT_TRUE(state.reserve(sequence, static_cast<int>(tokens.size())));
          const BatchEntry entry{.sequence = sequence, .tokens = tokens, .n_logits = 1, .wanted = wanted};
          return executor.forward({&entry, 1}, state).value();
        };
        const TokenId expected = from_all.sample(forward({}).row(0)).token;
        const LogitsRow row = forward(from_some.wanted()).whole_row(0);
        const TokenId found = from_some.sample(row).token;
        screened += !row.bounds.empty();
        left_out += std::ranges::count(row.values, -std::numeric_limits<float>::infinity()) > large_vocab / 2;
        ASSERT_EQ(found, expected) << kernels->isa << ", options " << options.seed << ", step " << step;
        tokens.push_back(found);
      }
      state.close(sequence);
    }
    EXPECT_EQ(screened > 50, is_split) << kernels->isa;
    if (is_split && kernels != available_kernels().front()) {
      EXPECT_GT(left_out, 20) << kernels->isa;
    }
  }
}

}  // namespace
}  // namespace sw
