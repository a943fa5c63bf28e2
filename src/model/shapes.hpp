#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/spec_tensors.hpp"

namespace sw {

struct SpecialToken {
  std::int32_t id;
  std::string_view text;
};

/// A published model without its weights: its config.json, and what its tokenizer has beside ordinary tokens.
struct ModelShape {
  enum class Vocabulary : std::uint8_t { byte_bpe, sentencepiece };

  std::string_view name;
  std::string_view title;
  std::string_view config;  ///< the fields of the published config.json that describe the architecture
  Vocabulary vocabulary;
  std::string_view pre_tokenizer;  ///< GGUF's tokenizer.ggml.pre; empty for SentencePiece
  std::span<const SpecialToken> specials;
  std::string_view reserved;  ///< text of the ids between `reserved_begin` and the end that have no name, + number
  std::int32_t reserved_begin, reserved_end;
  std::int32_t bytes_begin;  ///< SentencePiece: id of <0x00>
  std::int32_t bos, eos;
  bool add_bos, add_space_prefix;
  std::string_view chat_template;
  TensorLayout layout = {};  ///< how the published checkpoint stores its projections
};

std::span<const ModelShape> model_shapes();
/// Null for a name that is not in the table.
const ModelShape* find_model_shape(std::string_view name);

}  // namespace sw
