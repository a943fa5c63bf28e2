// The executor against Hugging Face transformers (tests/golden/README.md), on every instruction set this CPU has.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "formats/safetensors.hpp"
#include "model/executor.hpp"
#include "model/model.hpp"
#include "model/tests/golden_folders.hpp"
#include "ops/ops.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;
using Tokens = std::vector<TokenId>;

const fs::path models = golden_models();

struct Golden {
  nlohmann::json description;
  Safetensors logits;

  explicit Golden(const std::string& name) {
    std::ifstream(models / name / "golden.json") >> description;
    logits = read_safetensors(models / name / "golden.safetensors").value();
  }

  std::vector<std::vector<float>> rows(const std::string& tensor) const {
    for (const TensorView& t : logits.tensors) {
      if (t.name != tensor) continue;
      const auto* values = reinterpret_cast<const float*>(t.data.data());
      const auto vocab = static_cast<std::size_t>(t.shape[1]);
      std::vector<std::vector<float>> out;
      for (std::int64_t r = 0; r < t.shape[0]; ++r, values += vocab) out.emplace_back(values, values + vocab);
      return out;
    }
    ADD_FAILURE() << "no tensor " << tensor;
    return {};
  }
};

/// A model opened for sequences of `context` tokens, with fp32 arithmetic and fp32 keys and values.
struct Engine {
  ThreadPool pool{2};
  Model model;
  std::optional<Executor> executor;
  std::optional<StatePool> state;

  Engine(const fs::path& path, int context, const Kernels* kernels, int max_batch = 128, bool exact = true,
         KvType kv = KvType::f32) {
    auto opened = open_model(path, {.context = context, .weights = {.kernels = kernels, .exact_floats = exact}}, pool);
    if (!opened) throw std::runtime_error(opened.error().message());
    model = std::move(*opened);
    executor =
        Executor::create(model.spec, model.weights, pool, {.max_batch_tokens = max_batch, .max_logits = 128}).value();
    state = StatePool::create(model.spec, {.max_tokens = 512, .max_sequences = 8, .kv_type = kv}).value();
  }

  /// Appends tokens in one call; logits of all of them.
  std::vector<std::vector<float>> append(SequenceId sequence, std::span<const TokenId> tokens) {
    EXPECT_TRUE(state->reserve(sequence, static_cast<int>(tokens.size())));
    const BatchEntry entry{sequence, tokens, static_cast<int>(tokens.size())};
    const auto logits = executor->forward({&entry, 1}, *state);
    if (!logits) throw std::runtime_error(logits.error().message());
    std::vector<std::vector<float>> rows;
    for (int i = 0; i < entry.n_logits; ++i) rows.emplace_back(logits->row(i).begin(), logits->row(i).end());
    return rows;
  }
};

float largest(const std::vector<float>& row) {
  float most = 0;
  for (const float x : row) most = std::max(most, std::abs(x));
  return most;
}

void expect_close(const std::vector<float>& got, const std::vector<float>& want, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  const double scale = largest(want);
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - want[i]) / scale;
    worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
  }
  EXPECT_LE(worst, tolerance) << what;
}

class GoldenModels : public testing::TestWithParam<std::tuple<std::string, const Kernels*>> {
 protected:
  std::string name = std::get<0>(GetParam());
  const Kernels* isa = std::get<1>(GetParam());
  fs::path path = models / name;
  Golden golden{name};
};

constexpr double fp32_tolerance = 1e-4;

TEST_P(GoldenModels, PrefillsEqualTransformers) {
  for (const auto& [sequence, expected] : golden.description["sequences"].items()) {
    const Tokens ids = expected["ids"];
    // The context is what the call needs: RoPE variants that depend on the length then agree with the reference.
    Engine engine(path, static_cast<int>(ids.size()), isa);
    const auto rows = engine.append(engine.state->open().value(), ids);
    const auto want = golden.rows(expected["logits"]);
    for (std::size_t i = 0; i < want.size(); ++i)
      expect_close(rows[expected["positions"][i].get<std::size_t>()], want[i], fp32_tolerance,
                   sequence + " position " + expected["positions"][i].dump());
  }
}

TEST_P(GoldenModels, StepwiseDecodingEqualsTransformers) {
  const auto& stepwise = golden.description["stepwise"];
  const Tokens ids = golden.description["sequences"][stepwise["sequence"].get<std::string>()]["ids"];
  Engine engine(path, static_cast<int>(ids.size()), isa);
  const SequenceId sequence = engine.state->open().value();
  const auto prefix = stepwise["prefix"].get<std::size_t>();
  auto rows = engine.append(sequence, std::span(ids).first(prefix));
  for (std::size_t i = prefix; i < ids.size(); ++i) rows.push_back(engine.append(sequence, {&ids[i], 1})[0]);
  const auto want = golden.rows(stepwise["logits"]);
  for (std::size_t i = 0; i < want.size(); ++i)
    expect_close(rows[stepwise["positions"][i].get<std::size_t>()], want[i], fp32_tolerance,
                 "position " + stepwise["positions"][i].dump());
}

TEST_P(GoldenModels, GreedyContinuationsEqualTransformers) {
  for (const auto& [prompt, expected] : golden.description["greedy"].items()) {
    if (prompt == "crossing") continue;  // needs the whole sequence recomputed with other angles in mid-generation
    Tokens ids = expected["ids"];
    const Tokens want = expected["new_ids"];
    Engine engine(path, static_cast<int>(ids.size() + want.size()), isa);
    const SequenceId sequence = engine.state->open().value();
    auto row = engine.append(sequence, ids).back();
    for (std::size_t i = 0; i < want.size(); ++i) {
      const auto best = static_cast<TokenId>(std::ranges::max_element(row) - row.begin());
      ASSERT_EQ(best, want[i]) << prompt << ", step " << i;
      if (i + 1 < want.size()) row = engine.append(sequence, {&best, 1})[0];
    }
  }
}

TEST_P(GoldenModels, ChunksBatchesAndThreadsChangeNoBit) {
  // Quantization-free, then reduced-precision arithmetic with each type of keys and values.
  for (const KvType kv : {KvType::f32, KvType::f16, KvType::bf16, KvType::q8, KvType::q4}) {
    const bool exact = kv == KvType::f32;
    const Tokens ids = golden.description["sequences"]["prompt"]["ids"];
    const int context = static_cast<int>(ids.size());
    Engine engine(path, context, isa, 512, exact, kv);
    const auto whole = engine.append(engine.state->open().value(), ids);

    const SequenceId stepwise = engine.state->open().value();
    for (std::size_t i = 0; i < ids.size(); ++i)
      ASSERT_EQ(engine.append(stepwise, {&ids[i], 1})[0], whole[i]) << "step " << i;

    const SequenceId chunked = engine.state->open().value();
    std::size_t at = 0;
    for (std::size_t size = 1; at < ids.size(); size = size * 2 + 1) {
      const auto chunk = std::span(ids).subspan(at, std::min(size, ids.size() - at));
      const auto rows = engine.append(chunked, chunk);
      for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows[i], whole[at + i]) << "chunk of " << chunk.size();
      at += chunk.size();
    }

    // A ragged batch: a whole prompt, a prefix of it, and one more token of a sequence under way.
    const SequenceId a = engine.state->open().value(), b = engine.state->open().value(),
                     c = engine.state->open().value();
    engine.append(c, std::span(ids).first(9));
    const std::vector<BatchEntry> batch = {
        {a, ids, 2}, {c, std::span(ids).subspan(9, 1), 1}, {b, std::span(ids).first(5), 5}};
    for (const BatchEntry& entry : batch)
      ASSERT_TRUE(engine.state->reserve(entry.sequence, static_cast<int>(entry.tokens.size())));
    const Logits logits = engine.executor->forward(batch, *engine.state).value();
    const std::vector<std::size_t> positions = {ids.size() - 2, ids.size() - 1, 9, 0, 1, 2, 3, 4};
    for (std::size_t i = 0; i < positions.size(); ++i)
      ASSERT_TRUE(std::ranges::equal(logits.row(static_cast<int>(i)), whole[positions[i]])) << "row " << i;
  }
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(models)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Families, GoldenModels,
                         testing::Combine(testing::ValuesIn(model_names()),
                                          testing::ValuesIn(available_kernels().begin(), available_kernels().end())),
                         [](const auto& test) {
                           std::string name = std::get<0>(test.param) + "_" + std::get<1>(test.param)->isa;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(Weights, OfAFileThatLosesItsEndGiveAnErrorAndNoSignal) {
  const TemporaryFolder folder;
  fs::copy(golden_models() / "qwen2", folder.path() / "model", fs::copy_options::recursive);
  Engine engine(folder.path() / "model", 64, nullptr);
  const SequenceId sequence = engine.state->open().value();
  const std::vector<TokenId> tokens{1, 2, 3};
  EXPECT_EQ(engine.append(sequence, tokens).size(), 3u);
  fs::resize_file(folder.path() / "model" / "model.safetensors", 0);
  try {
    engine.append(sequence, tokens);
    ADD_FAILURE() << "embedding rows were read from an empty file";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("became shorter"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace sw
