#include "train/parameters.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "quant/quant.hpp"
#include "train/random.hpp"

namespace sw::train {
namespace {

constexpr std::int64_t alignment = 16;  // floats: a cache line

bool is_decay(std::string_view name) {
  return name.ends_with("ssm_a");
}

/// Writes to the residual stream.
bool is_output(std::string_view name) {
  return name.ends_with("attn_output.weight") || name.ends_with("ffn_down.weight") || name.ends_with("ssm_out.weight");
}

}  // namespace

Result<Parameters> Parameters::create(const ModelSpec& spec, const TensorLayout& layout) {
  Parameters out;
  out.blocks_ = static_cast<int>(spec.blocks.size());
  for (SpecTensor& tensor : spec_tensors(spec, layout)) {
    const std::int64_t size = sw::count(tensor.shape);
    out.list_.push_back({std::move(tensor.name), std::move(tensor.shape), tensor.role, out.size_, size});
    out.size_ += (size + alignment - 1) / alignment * alignment;
    out.count_ += size;
  }
  const std::size_t bytes = at(out.size_) * sizeof(float);
  SW_ASSIGN(out.values_, Memory::allocate(bytes));
  SW_ASSIGN(out.gradients_, Memory::allocate(bytes));
  return out;
}

const Parameter* Parameters::find(std::string_view name) const {
  const auto it = std::ranges::find(list_, name, &Parameter::name);
  return it == list_.end() ? nullptr : &*it;
}

Slot Parameters::slot(std::string_view name, std::int64_t first, std::int64_t rows) const {
  const Parameter* p = find(name);
  if (!p) return {};
  const std::int64_t cols = p->shape.size() == 2 ? p->shape[1] : 1;
  return {p->offset + first * cols, rows < 0 ? p->shape[0] : rows, cols};
}

void Parameters::initialize(std::uint64_t seed) {
  for (const Parameter& p : list_) {
    const Stream stream(seed, p.name);
    const std::span<float> out = values(p);
    const std::string_view name = p.name;
    const auto fill = [&](auto f) {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(f(i));
    };
    if (p.role == TensorRole::norm || name.ends_with("ssm_d")) {
      fill([](std::size_t) { return 1.0; });
    } else if (is_decay(name)) {
      const auto states = at(p.shape[1]);
      fill([&](std::size_t i) { return std::log(static_cast<double>(i % states + 1)); });
    } else if (name.ends_with("ssm_dt.bias")) {  // softplus of it: log-uniform steps from 0.001 to 0.1
      fill([&](std::size_t i) {
        const double dt = std::exp(stream.uniform(i) * (std::log(0.1) - std::log(0.001)) + std::log(0.001));
        return std::log(std::expm1(dt));
      });
    } else if (name.ends_with("ssm_conv1d.weight") || name.ends_with("ssm_dt.weight")) {
      const double bound = 1 / std::sqrt(static_cast<double>(p.shape[1]));
      fill([&](std::size_t i) { return bound * (2 * stream.uniform(i) - 1); });
    } else if (p.shape.size() == 1) {
      fill([](std::size_t) { return 0.0; });
    } else {
      const double deviation = 0.02 / (is_output(name) ? std::sqrt(2.0 * blocks_) : 1.0);
      fill([&](std::size_t i) { return deviation * stream.normal(i); });
    }
  }
}

Status Parameters::load(const Checkpoint& checkpoint) {
  for (const Parameter& p : list_) {
    const TensorView* tensor = checkpoint.find(p.name);
    if (!tensor || tensor->shape != p.shape)
      return fail("tensor '" + p.name + "' is missing or has another shape", {}, to_string(p.shape));
    const std::span<float> out = values(p);
    dequantize(tensor->dtype, tensor->data.data(), out);
    if (is_decay(p.name))
      for (float& a : out) a = std::log(-a);
  }
  return {};
}

Checkpoint to_checkpoint(const Parameters& parameters, std::span<const float> values) {
  Checkpoint out;
  for (const Parameter& p : parameters.list()) {
    const auto from = values.subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size));
    auto bytes = std::make_shared<std::vector<std::byte>>(from.size() * sizeof(float));
    auto* to = reinterpret_cast<float*>(bytes->data());
    std::ranges::copy(from, to);
    if (is_decay(p.name))
      for (std::size_t i = 0; i < from.size(); ++i) to[i] = -std::exp(to[i]);
    out.tensors.push_back({p.name, DType::f32, p.shape, std::span<const std::byte>(*bytes)});
    out.owned.push_back(std::move(bytes));
  }
  return out;
}

}  // namespace sw::train
