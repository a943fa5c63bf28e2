#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/families/family.hpp"
#include "train/parameters.hpp"

namespace sw::train {

/// A tensor under the name and in the form in which its family is published.
struct PublishedTensor {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

enum class Content : std::uint8_t { weights, gradients };

/// The inverse of import_hf: an array of parameters as Hugging Face transformers names and orders it. `metadata` has
/// the family's keys. Gradients are those of the published form: reordered like the weights, never shifted.
Result<std::vector<PublishedTensor>> published(const Family& family, const Metadata& metadata,
                                               const Parameters& parameters, std::span<const float> array,
                                               Content content);

}  // namespace sw::train
