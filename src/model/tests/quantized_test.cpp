// Quantized weights through the whole model: how far 8-bit activations move the logits, and that nothing else does.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "model/executor.hpp"
#include "model/model.hpp"
#include "ops/ops.hpp"
#include "quant/quant.hpp"

namespace sw {
namespace {

using Tokens = std::vector<TokenId>;

/// A copy of a checkpoint with every matrix stored as `dtype`; `expanded`: as the floats that type stands for.
Checkpoint with_matrices_as(const Checkpoint& source, DType dtype, bool expanded) {
  Checkpoint out = source;
  for (TensorView& tensor : out.tensors) {
    if (tensor.shape.size() != 2 || !tensor.name.ends_with(".weight") || tensor.name == "token_embd.weight") continue;
    const auto rows = static_cast<std::size_t>(tensor.shape[0]), cols = static_cast<std::size_t>(tensor.shape[1]);
    const std::size_t from_bytes = info(tensor.dtype).row_bytes(cols), to_bytes = info(dtype).row_bytes(cols);
    auto stored = std::make_shared<std::vector<std::byte>>(rows * (expanded ? cols * sizeof(float) : to_bytes));
    std::vector<float> row(cols);
    std::vector<std::byte> encoded(to_bytes);
    for (std::size_t r = 0; r < rows; ++r) {
      dequantize(tensor.dtype, tensor.data.data() + r * from_bytes, row);
      quantize(dtype, row, encoded.data());
      if (expanded) {
        dequantize(dtype, encoded.data(), {reinterpret_cast<float*>(stored->data()) + r * cols, cols});
      } else {
        std::ranges::copy(encoded, stored->begin() + static_cast<std::ptrdiff_t>(r * to_bytes));
      }
    }
    tensor.dtype = expanded ? DType::f32 : dtype;
    tensor.data = *stored;
    out.owned.push_back(std::move(stored));
  }
  return out;
}

struct Engine {
  ThreadPool pool;
  ModelSpec spec;
  std::optional<Executor> executor;
  std::optional<StatePool> state;

  Engine(const Checkpoint& checkpoint, const Kernels* kernels, int n_threads) : pool(n_threads) {
    spec = read_spec(checkpoint, 64).value();
    auto weights = Weights::load(spec, checkpoint, {.kernels = kernels, .exact_floats = true}, pool).value();
    executor = Executor::create(spec, weights, pool, {.max_batch_tokens = 64, .max_logits = 64}).value();
    state = StatePool::create(spec, {.max_tokens = 256, .max_sequences = 2, .kv_type = KvType::f32}).value();
  }

  /// Logits of all tokens, read in chunks of `chunk`.
  std::vector<std::vector<float>> run(const Tokens& ids, std::size_t chunk) {
    const SequenceId sequence = state->open().value();
    std::vector<std::vector<float>> rows;
    for (std::size_t at = 0; at < ids.size(); at += chunk) {
      const auto tokens = std::span(ids).subspan(at, std::min(chunk, ids.size() - at));
      EXPECT_TRUE(state->reserve(sequence, static_cast<int>(tokens.size())));
      const BatchEntry entry{sequence, tokens, static_cast<int>(tokens.size())};
      const Logits logits = executor->forward({&entry, 1}, *state).value();
      for (int i = 0; i < entry.n_logits; ++i) rows.emplace_back(logits.row(i).begin(), logits.row(i).end());
    }
    state->close(sequence);
    return rows;
  }
};

class QuantizedModels : public testing::TestWithParam<DType> {
 protected:
  // All rows of this golden are multiples of 256, so that every format applies.
  OpenedCheckpoint golden =
      open_checkpoint(std::filesystem::path(SPEEDWINS_SOURCE_DIR) / "tests/golden/models/llama-k256").value();
  Checkpoint quantized = with_matrices_as(golden.checkpoint, GetParam(), false);
  Tokens ids = [] {
    Tokens tokens;
    for (int i = 0; i < 41; ++i) tokens.push_back(i * 37 % 200);
    return tokens;
  }();
};

TEST_P(QuantizedModels, EightBitActivationsMoveTheLogitsByLessThanTwoAndAHalfPercent) {
  const Checkpoint expanded = with_matrices_as(golden.checkpoint, GetParam(), true);
  const auto want = Engine(expanded, nullptr, 1).run(ids, 64);
  for (const Kernels* kernels : available_kernels()) {
    const auto got = Engine(quantized, kernels, 1).run(ids, 64);
    double difference = 0, size = 0;
    for (std::size_t row = 0; row < got.size(); ++row)
      for (std::size_t i = 0; i < got[row].size(); ++i) {
        difference += std::pow(static_cast<double>(got[row][i]) - want[row][i], 2);
        size += std::pow(static_cast<double>(want[row][i]), 2);
      }
    EXPECT_LT(std::sqrt(difference / size), 0.025) << kernels->isa;
  }
}

TEST_P(QuantizedModels, ChunksAndThreadsChangeNoBit) {
  for (const Kernels* kernels : available_kernels()) {
    const auto whole = Engine(quantized, kernels, 1).run(ids, 64);
    Engine engine(quantized, kernels, 3);
    for (const std::size_t chunk : {1, 5, 9, 64}) EXPECT_EQ(engine.run(ids, chunk), whole) << kernels->isa << chunk;
  }
}

TEST_P(QuantizedModels, VectorInstructionSetsAgreeToTheLastBit) {
  std::vector<std::vector<float>> first;
  for (const Kernels* kernels : available_kernels().subspan(1)) {
    auto rows = Engine(quantized, kernels, 2).run(ids, 64);
    if (first.empty())
      first = std::move(rows);
    else
      EXPECT_EQ(rows, first) << kernels->isa;
  }
}

/// The same model with a feed-forward part of `hidden` columns, as large as the others' weights.
Checkpoint with_hidden(const Checkpoint& source, std::int64_t hidden) {
  Checkpoint out = source;
  out.metadata.set("llama.feed_forward_length", static_cast<std::uint32_t>(hidden));
  std::uint32_t random = 1;
  for (TensorView& tensor : out.tensors) {
    if (tensor.name.find("ffn_") == std::string::npos || tensor.shape.size() != 2) continue;
    tensor.shape[tensor.name.find("ffn_down") == std::string::npos ? 0 : 1] = hidden;
    const auto n = static_cast<std::size_t>(tensor.shape[0] * tensor.shape[1]);
    auto stored = std::make_shared<std::vector<std::byte>>(n * sizeof(float));
    for (std::size_t i = 0; i < n; ++i) {
      random = random * 1664525 + 1013904223;  // Numerical Recipes
      reinterpret_cast<float*>(stored->data())[i] = static_cast<float>(random >> 8) * 0x1p-27f - 0x1p-4f;
    }
    tensor.dtype = DType::f32;
    tensor.data = *stored;
    out.owned.push_back(std::move(stored));
  }
  return out;
}

// Nine whole groups of columns and a quarter of one; a single thread takes two at a time for a single row.
TEST(WideFeedForward, IsTheSameForAnyChunksThreadsAndVectorInstructionSets) {
  const OpenedCheckpoint golden =
      open_checkpoint(std::filesystem::path(SPEEDWINS_SOURCE_DIR) / "tests/golden/models/llama-k256").value();
  const Checkpoint wide = with_hidden(golden.checkpoint, 9 * activation_group + activation_group / 4);
  const Checkpoint quantized = with_matrices_as(wide, DType::q8_0, false);
  Tokens ids;
  for (int i = 0; i < 41; ++i) ids.push_back(i * 37 % 200);
  const auto exact = Engine(with_matrices_as(wide, DType::q8_0, true), nullptr, 1).run(ids, 64);
  const auto first = Engine(quantized, available_kernels().back(), 1).run(ids, 64);
  double difference = 0, size = 0;
  for (std::size_t row = 0; row < exact.size(); ++row)
    for (std::size_t i = 0; i < exact[row].size(); ++i) {
      difference += std::pow(static_cast<double>(first[row][i]) - exact[row][i], 2);
      size += std::pow(static_cast<double>(exact[row][i]), 2);
    }
  EXPECT_LT(std::sqrt(difference / size), 0.03);
  for (const Kernels* kernels : available_kernels().subspan(1))
    for (const int threads : {1, 3}) {
      Engine engine(quantized, kernels, threads);
      for (const std::size_t chunk : {1, 7, 64}) EXPECT_EQ(engine.run(ids, chunk), first) << kernels->isa << chunk;
    }
}

INSTANTIATE_TEST_SUITE_P(Types, QuantizedModels,
                         testing::Values(DType::q4_0, DType::q5_0, DType::q5_1, DType::q8_0, DType::q4_k, DType::q5_k,
                                         DType::q6_k),
                         [](const auto& test) { return std::string(sw::info(test.param).name); });

}  // namespace
}  // namespace sw
