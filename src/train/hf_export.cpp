#include "train/hf_export.hpp"

#include <algorithm>

#include "model/families/keys.hpp"

namespace sw::train {
namespace {

constexpr std::string_view placeholder = "{}";

std::string fill(std::string_view pattern, std::string_view number) {
  std::string name(pattern);
  if (const auto hole = name.find(placeholder); hole != std::string::npos)
    name.replace(hole, placeholder.size(), number);
  return name;
}

/// "blk.12.attn_q.weight" → "12"
std::string_view block_of(std::string_view name) {
  if (!name.starts_with("blk.")) return {};
  name.remove_prefix(4);
  return name.substr(0, name.find('.'));
}

/// The rows of each head that rotate, from neighbours (2j, 2j + 1) back to halves (j, j + d/2).
std::vector<float> halves(std::span<const float> values, std::size_t rows, std::size_t head_dim, std::size_t rotated) {
  const std::size_t cols = values.size() / rows;
  std::vector<float> out(values.begin(), values.end());
  for (std::size_t head = 0; head < rows; head += head_dim)
    for (std::size_t j = 0; j < rotated; ++j) {
      const std::size_t from = head + 2 * (j % (rotated / 2)) + j / (rotated / 2);
      std::ranges::copy(values.subspan(from * cols, cols),
                        out.begin() + static_cast<std::ptrdiff_t>((head + j) * cols));
    }
  return out;
}

}  // namespace

Result<std::vector<PublishedTensor>> published(const Family& family, const Metadata& metadata,
                                               const Parameters& parameters, std::span<const float> array,
                                               Content content) {
  const Keys keys(metadata, family.architecture);
  std::vector<PublishedTensor> out;
  for (const Parameter& p : parameters.list()) {
    const std::string_view number = block_of(p.name);
    const auto rule =
        std::ranges::find_if(family.tensors, [&](const TensorRule& r) { return fill(r.gguf, number) == p.name; });
    if (rule == family.tensors.end())
      return fail("tensor '" + p.name + "' has no published name in the family " + std::string(family.architecture));
    const auto values = array.subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size));
    PublishedTensor tensor{fill(rule->published, number), p.shape, {values.begin(), values.end()}};
    switch (rule->transform) {
      case Transform::none:
      case Transform::negative_exp:  // trained as its logarithm, as it is published
        break;
      case Transform::plus_one:
        if (content == Content::weights)
          for (float& w : tensor.values) w -= 1;
        break;
      case Transform::drop_channels:
        tensor.shape.insert(tensor.shape.begin() + 1, 1);
        break;
      case Transform::interleave_q:
      case Transform::interleave_k: {
        SW_ASSIGN(const int head_dim, keys.size("attention.key_length"));
        SW_ASSIGN(const int rotated, keys.size("rope.dimension_count"));
        tensor.values = halves(values, static_cast<std::size_t>(p.shape[0]), static_cast<std::size_t>(head_dim),
                               static_cast<std::size_t>(rotated));
        break;
      }
    }
    out.push_back(std::move(tensor));
  }
  return out;
}

}  // namespace sw::train
