#include "model/describe.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include <fmt/core.h>

#include "model/spec_tensors.hpp"

namespace sw {
namespace {

std::string_view text(Activation activation) {
  switch (activation) {
    case Activation::silu:
      return "SiLU";
    case Activation::gelu_tanh:
      return "GELU (tanh)";
    case Activation::gelu_erf:
      return "GELU";
    case Activation::relu:
      return "ReLU";
  }
  return "";
}

std::string text(std::monostate) {
  return {};
}

std::string text(const Attention& a) {
  std::string out = fmt::format("attention {} heads × {}", a.n_heads, a.head_dim);
  if (a.kv_heads != a.n_heads) out += fmt::format(", {} key/value {}", a.kv_heads, a.kv_heads == 1 ? "head" : "heads");
  if (a.window > 0) out += fmt::format(", window {}", a.window);
  if (a.softcap > 0) out += fmt::format(", scores capped at {}", a.softcap);
  if (a.qk_norm) out += ", q and k normalized";
  if (a.qkv_bias) out += ", biases";
  return out;
}

std::string text(const Mamba& m) {
  return fmt::format("Mamba {} channels × {} states, convolution {}, Δ rank {}", m.inner, m.state, m.conv, m.dt_rank);
}

std::string text(const GatedMlp& f) {
  return fmt::format("gated MLP {}, {}", f.hidden, text(f.activation));
}

std::string text(const Mlp& f) {
  return fmt::format("MLP {}, {}", f.hidden, text(f.activation));
}

std::string text(const BlockSpec& block) {
  const auto part = [](const auto& p) { return text(p); };
  const std::string mixer = std::visit(part, block.mixer), ffn = std::visit(part, block.ffn);
  return mixer + (mixer.empty() || ffn.empty() ? "" : "; ") + ffn + (block.post_norms ? "; norms on both sides" : "");
}

/// The shortest sequence of blocks that, repeated, gives the model; run-length encoded.
void encode_blocks(const ModelSpec& spec, Description& out) {
  std::vector<std::string> texts;
  for (const BlockSpec& block : spec.blocks) texts.push_back(text(block));
  std::size_t period = 1;
  const auto repeats = [&](std::size_t p) {
    if (texts.size() % p != 0) return false;
    return std::equal(texts.begin() + static_cast<std::ptrdiff_t>(p), texts.end(), texts.begin());
  };
  while (period < texts.size() && !repeats(period)) ++period;
  if (period == 1) period = texts.size();
  out.block_repeats = static_cast<int>(texts.size() / period);
  for (std::size_t i = 0; i < period; ++i) {
    if (out.blocks.empty() || out.blocks.back().text != texts[i]) out.blocks.push_back({0, texts[i]});
    ++out.blocks.back().count;
  }
}

std::string_view role_name(TensorRole role, const ModelSpec& spec) {
  switch (role) {
    case TensorRole::embedding:
      return spec.tied_head ? "embedding = head" : "embedding";
    case TensorRole::mixer:
      return "mixers";
    case TensorRole::ffn:
      return "feed-forward";
    case TensorRole::norm:
      return "norms";
    case TensorRole::head:
      return "head";
  }
  return "";
}

/// Everything is read for a token except the embedding, of which it is one row (unless it is the head too).
std::uint64_t read_per_token(const SpecTensor& tensor, const TensorView& stored, const ModelSpec& spec) {
  if (tensor.role != TensorRole::embedding || spec.tied_head) return stored.data.size();
  return stored.data.size() / static_cast<std::uint64_t>(std::max<std::int64_t>(stored.shape.front(), 1));
}

void add_state(const BlockSpec& block, Description& out) {
  constexpr std::uint64_t f16_bytes = 2, f32_bytes = 4;
  if (const auto* a = std::get_if<Attention>(&block.mixer))
    out.kv_bytes_per_token +=
        2 * f16_bytes * static_cast<std::uint64_t>(a->kv_heads) * static_cast<std::uint64_t>(a->head_dim);
  if (const auto* m = std::get_if<Mamba>(&block.mixer))
    out.state_bytes +=
        f32_bytes * static_cast<std::uint64_t>(m->inner) * static_cast<std::uint64_t>(m->state + m->conv - 1);
}

}  // namespace

Result<Description> describe(const Checkpoint& checkpoint) {
  Description out;
  SW_ASSIGN(out.spec, read_spec(checkpoint));
  encode_blocks(out.spec, out);
  for (const BlockSpec& block : out.spec.blocks) add_state(block, out);

  std::unordered_map<std::string_view, const TensorView*> stored;
  for (const TensorView& tensor : checkpoint.tensors) stored.emplace(tensor.name, &tensor);
  std::map<std::pair<TensorRole, DType>, TensorGroup> groups;
  for (const SpecTensor& tensor : spec_tensors(out.spec, tensor_layout(checkpoint))) {
    const TensorView& view = *stored.at(tensor.name);
    TensorGroup& group = groups[{tensor.role, view.dtype}];
    group.role = role_name(tensor.role, out.spec);
    group.dtype = info(view.dtype).name;
    ++group.tensors;
    group.parameters += count(view.shape);
    group.bytes += view.data.size();
    out.parameters += count(view.shape);
    out.bytes += view.data.size();
    out.bytes_per_token += read_per_token(tensor, view, out.spec);
  }
  for (auto& [key, group] : groups) out.groups.push_back(std::move(group));
  std::ranges::stable_sort(out.groups, std::greater{}, &TensorGroup::bytes);
  return out;
}

}  // namespace sw
