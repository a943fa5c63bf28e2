#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "formats/checkpoint.hpp"
#include "model/spec.hpp"
#include "model/spec_tensors.hpp"

namespace sw::train {

/// One trainable tensor of a spec, under its GGUF name. `ssm_a` is trained as log(−A), so that A stays negative.
struct Parameter {
  std::string name;
  Shape shape;
  TensorRole role;
  std::int64_t offset;  ///< into the arrays of all parameters
  std::int64_t size;

  bool is_matrix() const { return shape.size() == 2 && !name.ends_with("ssm_a"); }
};

/// Rows of a matrix, or a vector, in the arrays of all parameters.
struct Slot {
  std::int64_t offset = -1, rows = 0, cols = 0;
  explicit operator bool() const { return offset >= 0; }
};

/// Every trainable number of a model in one array, and a gradient for each in another: what updates, averages, clips
/// and stores them needs no other structure.
class Parameters {
 public:
  static Result<Parameters> create(const ModelSpec& spec, const TensorLayout& layout = {});

  const std::vector<Parameter>& list() const { return list_; }
  std::int64_t size() const { return size_; }    ///< of the arrays, padding included
  std::int64_t count() const { return count_; }  ///< of trainable numbers
  std::span<float> values() const { return {reinterpret_cast<float*>(values_.data()), span_size()}; }
  std::span<float> gradients() const { return {reinterpret_cast<float*>(gradients_.data()), span_size()}; }
  std::span<float> values(const Parameter& p) const { return values().subspan(at(p.offset), at(p.size)); }
  std::span<float> gradients(const Parameter& p) const { return gradients().subspan(at(p.offset), at(p.size)); }

  const Parameter* find(std::string_view name) const;
  /// Rows [first, first + rows) of a tensor (rows < 0: all); empty when there is no such tensor.
  Slot slot(std::string_view name, std::int64_t first = 0, std::int64_t rows = -1) const;

  /// Normal with deviation 0.02 (Radford et al. 2019), smaller by √(2·blocks) where a block writes to the residual
  /// stream; norms 1, biases 0; Mamba as Gu & Dao 2023. A function of the seed and a tensor's name and place alone.
  void initialize(std::uint64_t seed);
  /// Copies a checkpoint that has every tensor (read_spec checks that).
  Status load(const Checkpoint& checkpoint);

 private:
  static std::size_t at(std::int64_t n) { return static_cast<std::size_t>(n); }
  std::size_t span_size() const { return at(size_); }

  std::vector<Parameter> list_;
  std::int64_t size_ = 0, count_ = 0;
  int blocks_ = 0;
  Memory values_, gradients_;
};

/// The values of one array of parameters, in the form in which checkpoints store them, by GGUF's names.
Checkpoint to_checkpoint(const Parameters& parameters, std::span<const float> values);

}  // namespace sw::train
