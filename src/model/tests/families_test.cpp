#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "formats/gguf.hpp"
#include "model/checkpoint_io.hpp"
#include "model/families/family.hpp"
#include "model/tests/golden_folders.hpp"
#include "quant/quant.hpp"

namespace sw {
namespace {

using Json = nlohmann::json;

std::vector<float> values(const TensorView& tensor) {
  std::vector<float> out(static_cast<std::size_t>(count(tensor.shape)));
  dequantize(tensor.dtype, tensor.data.data(), out);
  return out;
}

bool same(const BlockSpec& a, const BlockSpec& b) {
  if (a.mixer.index() != b.mixer.index() || a.ffn.index() != b.ffn.index() || a.post_norms != b.post_norms)
    return false;
  if (const auto* x = std::get_if<Attention>(&a.mixer)) {
    const auto& y = std::get<Attention>(b.mixer);
    return std::tie(x->n_heads, x->kv_heads, x->head_dim, x->scale, x->window, x->softcap, x->qk_norm, x->rope,
                    x->qkv_bias, x->output_bias) == std::tie(y.n_heads, y.kv_heads, y.head_dim, y.scale, y.window,
                                                             y.softcap, y.qk_norm, y.rope, y.qkv_bias, y.output_bias);
  }
  if (const auto* x = std::get_if<Mamba>(&a.mixer)) {
    const auto& y = std::get<Mamba>(b.mixer);
    return std::tie(x->inner, x->state, x->conv, x->dt_rank, x->bias) ==
           std::tie(y.inner, y.state, y.conv, y.dt_rank, y.bias);
  }
  return true;
}

class GoldenFolder : public testing::TestWithParam<std::string> {
 protected:
  std::filesystem::path folder() const { return golden_models() / GetParam(); }
  Json config() const {
    std::ifstream file(folder() / "config.json");
    return Json::parse(file);
  }
};

TEST_P(GoldenFolder, ImportsToTheSpecItsConfigDescribes) {
  const auto opened = open_checkpoint(folder());
  ASSERT_TRUE(opened) << opened.error().message();
  const auto spec = read_spec(opened->checkpoint);
  ASSERT_TRUE(spec) << spec.error().message();

  const Json c = config();
  EXPECT_EQ(spec->name, GetParam());
  EXPECT_EQ(spec->width, c["hidden_size"]);
  EXPECT_EQ(spec->vocab, c["vocab_size"]);
  EXPECT_EQ(spec->blocks.size(), c["num_hidden_layers"].get<std::size_t>());
  for (std::size_t i = 0; i < spec->blocks.size(); ++i) {
    const BlockSpec& block = spec->blocks[i];
    if (const auto* a = std::get_if<Attention>(&block.mixer)) {
      EXPECT_EQ(a->n_heads, c["num_attention_heads"]);
      EXPECT_EQ(a->kv_heads, c["num_key_value_heads"]);
      EXPECT_EQ(a->head_dim, c.value("head_dim", spec->width / a->n_heads));
      EXPECT_FLOAT_EQ(a->scale, 1 / std::sqrt(c.value("query_pre_attn_scalar", static_cast<float>(a->head_dim))));
      EXPECT_FLOAT_EQ(a->softcap, c.value("attn_logit_softcapping", 0.0f));
      EXPECT_EQ(std::get<GatedMlp>(block.ffn).hidden, c["intermediate_size"]);
      EXPECT_EQ(a->qkv_bias, c.value("attention_bias", false) || c["model_type"] == "qwen2");
      EXPECT_EQ(std::get<GatedMlp>(block.ffn).bias, c.value("mlp_bias", false));
      EXPECT_EQ(spec->trained_context, c["max_position_embeddings"]);
    } else {
      const auto& m = std::get<Mamba>(block.mixer);
      EXPECT_EQ(m.inner, c["intermediate_size"]);
      EXPECT_EQ(m.state, c["state_size"]);
      EXPECT_EQ(m.conv, c["conv_kernel"]);
      EXPECT_EQ(m.dt_rank, c["time_step_rank"]);
      EXPECT_EQ(m.bias, c["use_bias"]);
    }
  }
}

TEST_P(GoldenFolder, IsTheSameModelAfterGgufIsWrittenAndRead) {
  const auto opened = open_checkpoint(folder());
  ASSERT_TRUE(opened) << opened.error().message();
  const TemporaryFolder out;
  const auto path = out.path() / "model.gguf";
  std::vector<TensorSource> sources;
  for (const TensorView& tensor : opened->checkpoint.tensors) sources.push_back(source_of(tensor));
  const auto written = write_gguf(path, opened->checkpoint.metadata, sources);
  ASSERT_TRUE(written) << written.error().message();
  const auto read = read_gguf(path);
  ASSERT_TRUE(read) << read.error().message();

  for (const int context : {0, 48, 49}) {
    const auto before = read_spec(opened->checkpoint, context), after = read_spec(*read, context);
    ASSERT_TRUE(before && after);
    EXPECT_EQ(
        std::tie(before->name, before->architecture, before->vocab, before->width, before->context,
                 before->trained_context, before->norm_eps, before->embedding_scale, before->final_softcap,
                 before->tied_head),
        std::tie(after->name, after->architecture, after->vocab, after->width, after->context, after->trained_context,
                 after->norm_eps, after->embedding_scale, after->final_softcap, after->tied_head));
    ASSERT_EQ(before->ropes.size(), after->ropes.size());
    for (std::size_t i = 0; i < before->ropes.size(); ++i) {
      EXPECT_EQ(before->ropes[i].inv_freq, after->ropes[i].inv_freq);
      EXPECT_EQ(before->ropes[i].magnitude, after->ropes[i].magnitude);
      EXPECT_EQ(before->ropes[i].layout, after->ropes[i].layout);
    }
    ASSERT_EQ(before->blocks.size(), after->blocks.size());
    for (std::size_t i = 0; i < before->blocks.size(); ++i) EXPECT_TRUE(same(before->blocks[i], after->blocks[i])) << i;
  }
  ASSERT_EQ(read->tensors.size(), opened->checkpoint.tensors.size());
  for (const TensorView& tensor : opened->checkpoint.tensors) {
    const TensorView* again = read->find(tensor.name);
    ASSERT_NE(again, nullptr) << tensor.name;
    EXPECT_EQ(again->shape, tensor.shape);
    EXPECT_EQ(again->dtype, tensor.dtype);
    EXPECT_TRUE(std::ranges::equal(again->data, tensor.data)) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenFolder, testing::ValuesIn(golden_names()), [](const auto& test) {
  std::string name = test.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

Checkpoint open(const std::string& name) {
  auto opened = open_checkpoint(golden_models() / name);
  EXPECT_TRUE(opened) << opened.error().message();
  return std::move(opened->checkpoint);
}

TEST(Import, GemmaNormsAreStoredWithTheirOneAdded) {
  const Checkpoint gemma = open("gemma");
  const auto folder = read_hf_folder(golden_models() / "gemma");
  const auto stored = values(*folder->find("model.layers.1.input_layernorm.weight"));
  const auto imported = values(*gemma.find("blk.1.attn_norm.weight"));
  ASSERT_EQ(stored.size(), imported.size());
  for (std::size_t i = 0; i < stored.size(); ++i) EXPECT_EQ(imported[i], stored[i] + 1);
}

TEST(Import, MambaDecayIsMinusTheExponentialOfItsLogarithm) {
  const Checkpoint mamba = open("mamba");
  const auto folder = read_hf_folder(golden_models() / "mamba");
  const auto stored = values(*folder->find("backbone.layers.0.mixer.A_log"));
  const auto imported = values(*mamba.find("blk.0.ssm_a"));
  for (std::size_t i = 0; i < stored.size(); ++i) EXPECT_FLOAT_EQ(imported[i], -std::exp(stored[i]));
}

TEST(Import, LlamaRowsThatRotateTogetherBecomeNeighbours) {
  const Checkpoint llama = open("llama");
  const auto folder = read_hf_folder(golden_models() / "llama");
  for (const auto& [published, gguf] : {std::pair{"model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight"},
                                        std::pair{"model.layers.0.self_attn.k_proj.weight", "blk.0.attn_k.weight"}}) {
    const auto stored = values(*folder->find(published)), imported = values(*llama.find(gguf));
    const std::size_t width = 64, head_dim = 16, heads = stored.size() / width / head_dim;
    const auto row = [&](const std::vector<float>& matrix, std::size_t r) {
      return std::vector<float>(matrix.begin() + static_cast<std::ptrdiff_t>(r * width),
                                matrix.begin() + static_cast<std::ptrdiff_t>((r + 1) * width));
    };
    for (std::size_t head = 0; head < heads; ++head)
      for (std::size_t j = 0; j < head_dim / 2; ++j) {
        EXPECT_EQ(row(imported, head * head_dim + 2 * j), row(stored, head * head_dim + j));
        EXPECT_EQ(row(imported, head * head_dim + 2 * j + 1), row(stored, head * head_dim + head_dim / 2 + j));
      }
  }
}

TEST(Import, WindowsFallOnTheBlocksTransformersPutsThemOn) {
  const auto windows = [](const std::string& name) {
    const auto spec = read_spec(open(name));
    std::vector<int> out;
    for (const BlockSpec& block : spec->blocks) out.push_back(std::get<Attention>(block.mixer).window);
    return out;
  };
  EXPECT_EQ(windows("gemma2"), (std::vector{16, 0, 16, 0}));
  EXPECT_EQ(windows("qwen2-sliding"), (std::vector{0, 16, 16}));
  EXPECT_EQ(windows("qwen2"), (std::vector{0, 0, 0}));
  EXPECT_EQ(windows("mistral-sliding"), (std::vector{16, 16}));
}

TEST(Import, Gemma2ScaleOfThe27bModelIsDerivedFromItsWidth) {
  // https://github.com/google/gemma_pytorch, config.py: the 27B model alone has query_pre_attn_scalar 144 = 4608 / 32.
  Checkpoint checkpoint;
  Metadata& m = checkpoint.metadata;
  m.set("general.architecture", "gemma2");
  for (const auto& [key, value] : {std::pair{"context_length", 8192u},
                                   {"embedding_length", 4608u},
                                   {"block_count", 46u},
                                   {"feed_forward_length", 36864u},
                                   {"attention.head_count", 32u},
                                   {"attention.head_count_kv", 16u},
                                   {"attention.key_length", 128u},
                                   {"attention.value_length", 128u},
                                   {"vocab_size", 256000u}})
    m.set(std::string("gemma2.") + key, value);
  m.set("gemma2.attention.layer_norm_rms_epsilon", 1e-6f);
  const auto spec = find_family("gemma2")->spec(checkpoint, 0);
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_FLOAT_EQ(std::get<Attention>(spec->blocks[0].mixer).scale, 1 / std::sqrt(144.0f));
}

TEST(ReadSpec, NamesAMissingTensorAndItsShape) {
  Checkpoint llama = open("llama");
  std::erase_if(llama.tensors, [](const TensorView& t) { return t.name == "blk.1.ffn_down.weight"; });
  const auto spec = read_spec(llama);
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().what, "tensor 'blk.1.ffn_down.weight' is missing");
  EXPECT_EQ(spec.error().expected, "[64, 64]");
}

TEST(ReadSpec, SaysWhatShapeWasFoundAndWhatWasExpected) {
  Checkpoint llama = open("llama");
  for (TensorView& t : llama.tensors)
    if (t.name == "blk.0.attn_k.weight") t.shape = {64, 32};
  const auto spec = read_spec(llama);
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().what, "tensor 'blk.0.attn_k.weight' has shape [64, 32]");
  EXPECT_EQ(spec.error().expected, "[32, 64]");
}

TEST(ReadSpec, ListsTheKnownFamiliesWhenTheArchitectureIsUnknown) {
  Checkpoint llama = open("llama");
  llama.metadata.set("general.architecture", "grok");
  const auto spec = read_spec(llama);
  ASSERT_FALSE(spec);
  EXPECT_NE(spec.error().what.find("'grok'"), std::string::npos);
  EXPECT_EQ(spec.error().expected, "one of llama, qwen2, qwen3, phi3, gemma, gemma2, mamba");
}

struct BadValue {
  const char* key;
  std::variant<std::uint32_t, float> value;
};

class AbsurdKey : public testing::TestWithParam<BadValue> {};

TEST_P(AbsurdKey, IsRefusedByName) {
  Checkpoint llama = open("llama");
  std::visit([&](auto value) { llama.metadata.set(GetParam().key, value); }, GetParam().value);
  const auto spec = read_spec(llama);
  ASSERT_FALSE(spec);
  EXPECT_NE(spec.error().what.find(GetParam().key), std::string::npos) << spec.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Values, AbsurdKey,
    testing::Values(BadValue{"llama.block_count", 0u}, BadValue{"llama.block_count", 4'000'000'000u},
                    BadValue{"llama.attention.head_count", 0u}, BadValue{"llama.attention.head_count_kv", 3u},
                    BadValue{"llama.attention.key_length", 0u}, BadValue{"llama.attention.value_length", 8u},
                    BadValue{"llama.rope.dimension_count", 15u}, BadValue{"llama.rope.dimension_count", 18u},
                    BadValue{"llama.rope.freq_base", -1.0f}, BadValue{"llama.embedding_length", 2'000'000u},
                    BadValue{"llama.context_length", 0u}, BadValue{"llama.feed_forward_length", 0u},
                    BadValue{"llama.attention.layer_norm_rms_epsilon", std::nanf("")},
                    BadValue{"llama.attention.layer_norm_rms_epsilon", 0.0f}));

TEST(OpenCheckpoint, SuggestsPullingAModelThatIsNotThere) {
  const auto opened = open_checkpoint("/nonexistent/model.gguf");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().next.find("speedwins pull"), std::string::npos);
}

TEST(OpenCheckpoint, NamesTheModelClassThatNoFamilyRuns) {
  const TemporaryFolder copy;
  std::filesystem::copy(golden_models() / "gemma", copy.path(), std::filesystem::copy_options::recursive);
  std::ifstream in(copy.path() / "config.json");
  Json config = Json::parse(in);
  config["architectures"] = {"GrokForCausalLM"};
  std::ofstream(copy.path() / "config.json") << config;
  const auto opened = open_checkpoint(copy.path());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find("GrokForCausalLM"), std::string::npos);
  EXPECT_NE(opened.error().expected.find("Qwen2ForCausalLM"), std::string::npos);
}

}  // namespace
}  // namespace sw
