#include "model/synth.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "model/convert.hpp"
#include "model/families/family.hpp"
#include "model/families/hf_config.hpp"
#include "model/families/hf_import.hpp"
#include "model/spec_tensors.hpp"
#include "model/synth_vocabulary.hpp"

namespace sw {
namespace {

/// SplitMix64's output function (Steele, Lea & Flood 2014): a counter in, 64 good bits out.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

/// Random numbers of one tensor by index.
class Stream {
 public:
  Stream(std::uint64_t seed, std::string_view name) : key_(mix(seed + 0x9e3779b97f4a7c15)) {
    for (const char c : name) key_ = (key_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;  // FNV-1a
    key_ = mix(key_);
  }
  std::uint64_t bits(std::int64_t index) const {
    return mix(key_ + static_cast<std::uint64_t>(index) * 0x9e3779b97f4a7c15);
  }
  /// In [0, 1).
  float uniform(std::int64_t index) const { return static_cast<float>(bits(index) >> 40) * 0x1p-24f; }
  /// Nearly normal, of deviation 1: the sum of four 16-bit uniforms.
  float normal(std::int64_t index) const {
    const std::uint64_t b = bits(index);
    const auto part = [&](int shift) { return static_cast<std::int32_t>(b >> shift & 0xffff); };
    return static_cast<float>(part(0) + part(16) + part(32) + part(48) - 131070) * (1 / 37837.0f);
  }

 private:
  std::uint64_t key_;
};

FillRow constant(float value) {
  return [value](std::int64_t, std::span<float> out) { std::ranges::fill(out, value); };
}

FillRow gaussian(Stream stream, float mean, float deviation) {
  return [=](std::int64_t row, std::span<float> out) {
    const std::int64_t first = row * static_cast<std::int64_t>(out.size());
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = mean + deviation * stream.normal(first + static_cast<std::int64_t>(i));
  };
}

/// Rows of unequal length (heavy-tailed, 1 to 4), so that among a vocabulary of random rows a few logits lead clearly.
FillRow head_rows(Stream stream, Stream lengths, float deviation) {
  return [=](std::int64_t row, std::span<float> out) {
    const float length = std::min(1.0f / std::sqrt(std::max(lengths.uniform(row), 0x1p-24f)), 4.0f);
    gaussian(stream, 0, deviation * length)(row, out);
  };
}

/// Deviation of what a sub-layer adds to the residual stream: all of them together as much as the embedding brings. So
/// a rounding error stays as small on its way through the blocks as it does in trained models; blocks that drown the
/// embedding multiply it at each step.
float branch_deviation(const ModelSpec& spec) {
  const float embedding = spec.embedding_scale * 2 / std::sqrt(static_cast<float>(spec.width));
  return embedding / std::sqrt(2 * static_cast<float>(spec.blocks.size()));
}

FillRow weights_of(const SpecTensor& tensor, const ModelSpec& spec, std::uint64_t seed) {
  const std::string_view name = tensor.name;
  const Stream stream(seed, name);
  const float fan_in = static_cast<float>(tensor.shape.back());
  const float branch = branch_deviation(spec);
  // Random signs before the head: where it is the embedding too, a token would otherwise predict itself.
  if (name == "output_norm.weight")
    return [stream](std::int64_t, std::span<float> out) {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = stream.bits(static_cast<std::int64_t>(i)) >> 63 ? 1 : -1;
    };
  if (name.ends_with("post_attention_norm.weight") || name.ends_with("post_ffw_norm.weight"))
    return gaussian(stream, branch, 0.1f * branch);
  if (tensor.role == TensorRole::norm) return gaussian(stream, 1, 0.1f);
  if (tensor.role == TensorRole::head || (tensor.role == TensorRole::embedding && spec.tied_head))
    return head_rows(stream, Stream(seed + 1, name), 1 / std::sqrt(fan_in));
  if (name.ends_with("ssm_a"))  // S4D-Real: −1, −2, … −state
    return [](std::int64_t, std::span<float> out) {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = -static_cast<float>(i + 1);
    };
  if (name.ends_with("ssm_d")) return constant(1);
  if (name.ends_with("ssm_dt.bias"))  // softplus of it: steps of 0.001 to 0.1
    return [stream](std::int64_t, std::span<float> out) {
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = -6.9f + 4.65f * stream.uniform(static_cast<std::int64_t>(i));
    };
  if (name.ends_with(".bias")) return gaussian(stream, 0, 0.1f);
  // Queries and keys sharp enough to pick a few positions: averaging over all would make every position alike.
  if (name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight") || name.ends_with("attn_qkv.weight"))
    return gaussian(stream, 0, 1.5f / std::sqrt(fan_in));
  // Averages of values and gated products are smaller than 1, by about this factor.
  if (name.ends_with("attn_output.weight") || name.ends_with("ssm_out.weight") || name.ends_with("ffn_down.weight"))
    return gaussian(stream, 0, 3 * branch / std::sqrt(fan_in));
  return gaussian(stream, 0, 1 / std::sqrt(fan_in));
}

struct Outline {
  Checkpoint imported;  ///< keys, and the tensors that follow from the config
  ModelSpec spec;
};

Result<Outline> outline_of(const ModelShape& shape) {
  const auto json = nlohmann::json::parse(shape.config, nullptr, false);
  SW_ASSIGN(const Metadata config, flatten_config(json));
  SW_ASSIGN(Imported imported, import_config(config, std::string(shape.title)));
  SW_ASSIGN(ModelSpec spec, imported.family->spec(imported.checkpoint, 0));
  spec.tied_head = imported.tied_head;
  return Outline{std::move(imported.checkpoint), std::move(spec)};
}

}  // namespace

Result<ModelSpec> shape_spec(const ModelShape& shape) {
  SW_ASSIGN(Outline outline, outline_of(shape));
  return std::move(outline.spec);
}

Status synth(const ModelShape& shape, const std::filesystem::path& out, ThreadPool& pool, const SynthOptions& options) {
  SW_ASSIGN(Outline outline, outline_of(shape));
  const ModelSpec& spec = outline.spec;
  const FileType& type = options.type ? *options.type : *find_file_type("F16");
  const ModelOutline model{.blocks = static_cast<int>(spec.blocks.size()), .tied_head = spec.tied_head};

  Metadata& metadata = outline.imported.metadata;
  metadata.set("general.description", "random weights at the published shape");
  metadata.set("general.file_type", type.id);
  metadata.set("general.quantization_version", std::uint32_t{2});
  write_synth_vocabulary(shape, spec.vocab, metadata);

  std::vector<TensorSource> sources;
  for (const TensorView& tensor : outline.imported.tensors) sources.push_back(source_of(tensor));
  for (const SpecTensor& tensor : spec_tensors(spec, shape.layout))
    sources.push_back(encoded_source(tensor.name, tensor_type(type, tensor.name, tensor.shape, model), tensor.shape,
                                     pool, weights_of(tensor, spec, options.seed)));
  return write_gguf(out, metadata, sources, options.progress);
}

}  // namespace sw
