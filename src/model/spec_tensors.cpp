#include "model/spec_tensors.hpp"

#include <unordered_map>

#include <fmt/core.h>

namespace sw {
namespace {

/// Collects the tensors of one block.
class BlockTensors {
 public:
  BlockTensors(std::vector<SpecTensor>& out, int block, std::int64_t width) : out_(out), block_(block), width_(width) {}

  void norm(std::string_view name, std::int64_t size) { add(name, {size}, TensorRole::norm); }

  void operator()(std::monostate) const {}

  void operator()(const Attention& a) {
    const std::int64_t q = std::int64_t{a.n_heads} * a.head_dim, kv = std::int64_t{a.kv_heads} * a.head_dim;
    if (layout.fused_qkv) {
      linear("attn_qkv", q + 2 * kv, width_, a.qkv_bias, TensorRole::mixer);
    } else {
      linear("attn_q", q, width_, a.qkv_bias, TensorRole::mixer);
      linear("attn_k", kv, width_, a.qkv_bias, TensorRole::mixer);
      linear("attn_v", kv, width_, a.qkv_bias, TensorRole::mixer);
    }
    if (a.qk_norm) {
      norm("attn_q_norm.weight", a.head_dim);
      norm("attn_k_norm.weight", a.head_dim);
    }
    linear("attn_output", width_, q, a.output_bias, TensorRole::mixer);
  }

  void operator()(const Mamba& m) {
    linear("ssm_in", 2 * std::int64_t{m.inner}, width_, m.bias, TensorRole::mixer);
    linear("ssm_conv1d", m.inner, m.conv, true, TensorRole::mixer);
    linear("ssm_x", m.dt_rank + 2 * std::int64_t{m.state}, m.inner, false, TensorRole::mixer);
    linear("ssm_dt", m.inner, m.dt_rank, true, TensorRole::mixer);
    add("ssm_a", {m.inner, m.state}, TensorRole::mixer);
    add("ssm_d", {m.inner}, TensorRole::mixer);
    linear("ssm_out", width_, m.inner, m.bias, TensorRole::mixer);
  }

  void operator()(const GatedMlp& f) {
    if (layout.fused_gate_up) {
      linear("ffn_up", 2 * std::int64_t{f.hidden}, width_, f.bias, TensorRole::ffn);
    } else {
      linear("ffn_gate", f.hidden, width_, f.bias, TensorRole::ffn);
      linear("ffn_up", f.hidden, width_, f.bias, TensorRole::ffn);
    }
    linear("ffn_down", width_, f.hidden, f.bias, TensorRole::ffn);
  }

  void operator()(const Mlp& f) {
    linear("ffn_up", f.hidden, width_, false, TensorRole::ffn);
    linear("ffn_down", width_, f.hidden, false, TensorRole::ffn);
  }

  TensorLayout layout;

 private:
  void add(std::string_view name, Shape shape, TensorRole role) {
    out_.push_back({fmt::format("blk.{}.{}", block_, name), std::move(shape), role, block_});
  }
  void linear(std::string_view name, std::int64_t out, std::int64_t in, bool bias, TensorRole role) {
    add(fmt::format("{}.weight", name), {out, in}, role);
    if (bias) add(fmt::format("{}.bias", name), {out}, role);
  }

  std::vector<SpecTensor>& out_;
  int block_;
  std::int64_t width_;
};

}  // namespace

TensorLayout tensor_layout(const Checkpoint& checkpoint) {
  return {.fused_qkv = checkpoint.find("blk.0.attn_qkv.weight") != nullptr,
          .fused_gate_up = !checkpoint.find("blk.0.ffn_gate.weight") && checkpoint.find("blk.0.ffn_up.weight")};
}

std::vector<SpecTensor> spec_tensors(const ModelSpec& spec, const TensorLayout& layout) {
  std::vector<SpecTensor> out;
  out.push_back({"token_embd.weight", {spec.vocab, spec.width}, TensorRole::embedding});
  for (int i = 0; i < static_cast<int>(spec.blocks.size()); ++i) {
    const BlockSpec& block = spec.blocks[static_cast<std::size_t>(i)];
    BlockTensors tensors(out, i, spec.width);
    tensors.layout = layout;
    const bool mixes = !std::holds_alternative<std::monostate>(block.mixer);
    const bool feeds = !std::holds_alternative<std::monostate>(block.ffn);
    if (mixes) tensors.norm("attn_norm.weight", spec.width);
    std::visit(tensors, block.mixer);
    if (mixes && block.post_norms) tensors.norm("post_attention_norm.weight", spec.width);
    if (feeds) tensors.norm("ffn_norm.weight", spec.width);
    std::visit(tensors, block.ffn);
    if (feeds && block.post_norms) tensors.norm("post_ffw_norm.weight", spec.width);
  }
  out.push_back({"output_norm.weight", {spec.width}, TensorRole::norm});
  if (!spec.tied_head) out.push_back({"output.weight", {spec.vocab, spec.width}, TensorRole::head});
  return out;
}

Status check_tensors(const ModelSpec& spec, const Checkpoint& checkpoint) {
  std::unordered_map<std::string_view, const TensorView*> stored;
  for (const TensorView& tensor : checkpoint.tensors) stored.emplace(tensor.name, &tensor);
  for (const SpecTensor& wanted : spec_tensors(spec, tensor_layout(checkpoint))) {
    const auto it = stored.find(wanted.name);
    if (it == stored.end())
      return fail(fmt::format("tensor '{}' is missing", wanted.name), {}, to_string(wanted.shape),
                  "The file may be incomplete: fetch or convert it again");
    if (it->second->shape != wanted.shape)
      return fail(fmt::format("tensor '{}' has shape {}", wanted.name, to_string(it->second->shape)), {},
                  to_string(wanted.shape));
  }
  return {};
}

}  // namespace sw
