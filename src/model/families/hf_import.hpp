#pragma once

#include <span>
#include <string>

#include "formats/checkpoint.hpp"
#include "model/families/family.hpp"

namespace sw {

/// What a config alone says.
struct Imported {
  const Family* family;
  Checkpoint checkpoint;  ///< keys "general.*" and "<architecture>.*", tensors that follow from the config
  bool tied_head;
};
Result<Imported> import_config(const Metadata& config, std::string name);

/// A published checkpoint in GGUF's vocabulary, by the family its config (flattened, see hf_config.hpp) names: keys
/// "general.*" and "<architecture>.*", tensors renamed, and transformed where GGUF defines them differently. One-
/// dimensional tensors become F32, as every GGUF has them. Tensors that are not transformed still point to where
/// `tensors` point.
Result<Checkpoint> import_hf(const Metadata& config, std::span<const TensorView> tensors, std::string name);

}  // namespace sw
