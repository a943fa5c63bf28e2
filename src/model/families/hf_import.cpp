#include "model/families/hf_import.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include <fmt/core.h>

#include "model/families/keys.hpp"
#include "quant/quant.hpp"

namespace sw {
namespace {

constexpr std::string_view placeholder = "{}";
using Bytes = std::vector<std::byte>;

/// What "{}" stands for when `name` has the form of `pattern`: a block's number, or nothing for a pattern without it.
std::optional<std::string_view> match(std::string_view pattern, std::string_view name) {
  const auto hole = pattern.find(placeholder);
  if (hole == std::string_view::npos) return name == pattern ? std::optional(std::string_view{}) : std::nullopt;
  const std::string_view before = pattern.substr(0, hole), after = pattern.substr(hole + placeholder.size());
  if (!name.starts_with(before) || !name.ends_with(after) || name.size() <= before.size() + after.size()) return {};
  const std::string_view number = name.substr(before.size(), name.size() - before.size() - after.size());
  if (!std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; })) return {};
  return number;
}

struct Match {
  const TensorRule* rule;
  std::string gguf_name;
};

std::optional<Match> find_rule(const Family& family, std::string_view name) {
  for (const TensorRule& rule : family.tensors) {
    const auto number = match(rule.published, name);
    if (!number) continue;
    std::string gguf(rule.gguf);
    if (const auto hole = gguf.find(placeholder); hole != std::string::npos)
      gguf.replace(hole, placeholder.size(), *number);
    return Match{&rule, std::move(gguf)};
  }
  return std::nullopt;
}

/// Buffers that older transformers saved beside the weights; the model's config says the same.
bool is_derived(std::string_view name) {
  return name.ends_with("rotary_emb.inv_freq");
}

bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

/// Applies `f` to every element, as F32.
template <class F>
Bytes map_elements(const TensorView& tensor, F&& f) {
  std::vector<float> values(static_cast<std::size_t>(count(tensor.shape)));
  dequantize(tensor.dtype, tensor.data.data(), values);
  std::ranges::transform(values, values.begin(), f);
  Bytes bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// Moves the rows of each head that rotate from halves (j, j + d/2) to neighbours (2j, 2j + 1).
Bytes interleave_rows(const TensorView& tensor, std::size_t head_dim, std::size_t rotated) {
  const auto rows = static_cast<std::size_t>(tensor.shape[0]);
  const std::size_t row_bytes = tensor.data.size() / rows;
  Bytes bytes(tensor.data.begin(), tensor.data.end());
  for (std::size_t head = 0; head < rows; head += head_dim)
    for (std::size_t j = 0; j < rotated; ++j) {
      const std::size_t to = head + 2 * (j % (rotated / 2)) + j / (rotated / 2);
      std::memcpy(bytes.data() + to * row_bytes, tensor.data.data() + (head + j) * row_bytes, row_bytes);
    }
  return bytes;
}

class Importer {
 public:
  Importer(const Family& family, Checkpoint& out) : keys_(out.metadata, family.architecture), out_(out) {}

  Status add(TensorView tensor, Transform transform) {
    if (!is_float(tensor.dtype))
      return fail(fmt::format("tensor '{}' holds {}", tensor.name, info(tensor.dtype).name), {}, "F32, F16 or BF16");
    switch (transform) {
      case Transform::none:
        break;
      case Transform::plus_one:
        own_f32(tensor, map_elements(tensor, [](float w) { return w + 1; }));
        break;
      case Transform::negative_exp:
        own_f32(tensor, map_elements(tensor, [](float a) { return -std::exp(a); }));
        break;
      case Transform::drop_channels:
        if (tensor.shape.size() != 3 || tensor.shape[1] != 1)
          return fail(fmt::format("tensor '{}' has shape {}", tensor.name, to_string(tensor.shape)), {},
                      "[inner, 1, kernel]");
        tensor.shape.erase(tensor.shape.begin() + 1);
        own_f32(tensor, map_elements(tensor, [](float w) { return w; }));
        break;
      case Transform::interleave_q:
        SW_TRY(interleave(tensor, "attention.head_count"));
        break;
      case Transform::interleave_k:
        SW_TRY(interleave(tensor, "attention.head_count_kv"));
        break;
    }
    if (tensor.shape.size() == 1 && tensor.dtype != DType::f32)
      own_f32(tensor, map_elements(tensor, [](float w) { return w; }));
    out_.tensors.push_back(std::move(tensor));
    return {};
  }

 private:
  void own(TensorView& tensor, Bytes bytes) {
    auto owned = std::make_shared<const Bytes>(std::move(bytes));
    tensor.data = *owned;
    out_.owned.push_back(std::move(owned));
  }
  void own_f32(TensorView& tensor, Bytes bytes) {
    tensor.dtype = DType::f32;
    own(tensor, std::move(bytes));
  }

  Status interleave(TensorView& tensor, std::string_view head_count) {
    SW_ASSIGN(const int heads, keys_.size(head_count));
    SW_ASSIGN(const int head_dim, keys_.size("attention.key_length"));
    SW_ASSIGN(const int rotated, keys_.size("rope.dimension_count"));
    const std::int64_t rows = std::int64_t{heads} * head_dim;
    if (tensor.shape.empty() || tensor.shape[0] != rows || rotated > head_dim || rotated % 2 != 0)
      return fail(fmt::format("tensor '{}' has shape {}", tensor.name, to_string(tensor.shape)), {},
                  fmt::format("{} rows: {} heads of {}", rows, heads, head_dim));
    own(tensor, interleave_rows(tensor, static_cast<std::size_t>(head_dim), static_cast<std::size_t>(rotated)));
    return {};
  }

  Keys keys_;
  Checkpoint& out_;
};

std::string known_architectures() {
  std::string names;
  for (const Family* family : families())
    for (const std::string_view name : family->hf_architectures)
      names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

Result<const Family*> family_of(const Metadata& config) {
  const auto* names = config.strings("architectures");
  if (!names || names->empty())
    return fail("config.json names no model class in 'architectures'", {}, "one of " + known_architectures());
  if (const Family* family = find_hf_family(names->front())) return family;
  return fail(fmt::format("config.json names the model class '{}', which this program does not run", names->front()),
              {}, "one of " + known_architectures());
}

}  // namespace

Result<Imported> import_config(const Metadata& config, std::string name) {
  SW_ASSIGN(const Family* family, family_of(config));
  SW_ASSIGN(Checkpoint checkpoint, family->import_config(config));
  SW_ASSIGN(const bool tied, config.boolean_or("tie_word_embeddings", family->tied_head));
  Metadata metadata;
  metadata.set("general.architecture", std::string(family->architecture));
  metadata.set("general.type", "model");
  metadata.set("general.name", std::move(name));
  for (const auto& [key, value] : checkpoint.metadata.entries()) metadata.set(key, value);
  checkpoint.metadata = std::move(metadata);
  return Imported{family, std::move(checkpoint), tied};
}

Result<Checkpoint> import_hf(const Metadata& config, std::span<const TensorView> tensors, std::string name) {
  SW_ASSIGN(Imported imported, import_config(config, std::move(name)));
  const Family* family = imported.family;
  const bool tied = imported.tied_head;
  Checkpoint& out = imported.checkpoint;
  Importer importer(*family, out);
  for (const TensorView& tensor : tensors) {
    if (is_derived(tensor.name)) continue;
    auto found = find_rule(*family, tensor.name);
    if (!found)
      return fail(fmt::format("tensor '{}' is not part of a {} model", tensor.name, family->architecture), {},
                  "only tensors of the published architecture",
                  "merge adapters and remove extra heads before importing");
    if (tied && found->gguf_name == "output.weight") continue;
    TensorView renamed = tensor;
    renamed.name = std::move(found->gguf_name);
    SW_TRY(importer.add(std::move(renamed), found->rule->transform));
  }
  if (!tied && !out.find("output.weight"))
    return fail("tensor 'lm_head.weight' is missing", {}, "a head, since config.json's 'tie_word_embeddings' is false");
  return std::move(out);
}

}  // namespace sw
