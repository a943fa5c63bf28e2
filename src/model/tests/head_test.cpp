// Heads that are large enough to be screened, through the whole model: the same most likely tokens as from all logits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "model/executor.hpp"
#include "model/model.hpp"
#include "model/tests/large_head.hpp"

namespace sw {
namespace {

constexpr std::int64_t vocab = large_vocab;

class LargeHeads : public testing::TestWithParam<HeadCase> {};
INSTANTIATE_TEST_SUITE_P(, LargeHeads,
                         testing::Values(HeadCase{"q8_0", DType::q8_0}, HeadCase{"f16", DType::f16},
                                         HeadCase{"bf16", DType::bf16}, HeadCase{"f16_too_large", DType::f16, 3}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(LargeHeads, have_the_largest_logits_of_all) {
  const auto golden =
      open_checkpoint(std::filesystem::path(SPEEDWINS_SOURCE_DIR) / "tests/golden/models/llama-k256").value();
  const Checkpoint checkpoint = with_head(golden.checkpoint, GetParam());
  const auto read = read_spec(checkpoint, 64);
  ASSERT_TRUE(read) << read.error().message();
  const ModelSpec spec = *read;
  ASSERT_EQ(spec.vocab, vocab);
  ThreadPool pool(2);
  for (const Kernels* kernels : available_kernels()) {
    const auto weights = Weights::load(spec, checkpoint, {.kernels = kernels}, pool).value();
    const Packing packing = weights->head().matrix.packing;
    if (GetParam().dtype != DType::q8_0 && kernels->bf16_dot) {
      EXPECT_EQ(packing, GetParam().largest == 0 ? Packing::bf16_split : Packing::bf16_pairs) << kernels->isa;
    }
    Executor executor = Executor::create(spec, weights, pool, {.max_batch_tokens = 64, .max_logits = 64}).value();
    StatePool state = StatePool::create(spec, {.max_tokens = 256, .max_sequences = 2, .kv_type = KvType::f32}).value();
    for (int n = 1; n < 12; ++n) {
      std::vector<TokenId> tokens;
      for (int i = 0; i < n; ++i) tokens.push_back(static_cast<TokenId>((i * 370 + n * 91) % vocab));
      const auto logits = [&](int top_k) {
        const SequenceId sequence = state.open().value();
        EXPECT_TRUE(state.reserve(sequence, n));
        const BatchEntry entry{.sequence = sequence, .tokens = tokens, .n_logits = 1, .wanted = {.largest = top_k}};
        const auto row = executor.forward({&entry, 1}, state).value().row(0);
        std::vector<float> out(row.begin(), row.end());
        state.close(sequence);
        return out;
      };
      const std::vector<float> all = logits(0);
      for (const int k : {1, 5}) {
        std::vector<float> sorted(all);
        std::ranges::sort(sorted, std::greater<>());
        const std::vector<float> some = logits(k);
        for (std::size_t i = 0; i < all.size(); ++i)
          ASSERT_TRUE(some[i] == all[i] || (some[i] == -INFINITY && all[i] < sorted[static_cast<std::size_t>(k) - 1]))
              << kernels->isa << ", " << n << " tokens, logit " << i << ": " << some[i] << " for " << all[i];
      }
    }
  }
}

}  // namespace
}  // namespace sw
