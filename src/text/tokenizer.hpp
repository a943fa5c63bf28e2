#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "formats/metadata.hpp"

namespace sw {

using TokenId = std::int32_t;

/// What encode() does with the text of special tokens ("<|im_end|>") and with the tokens a model wants around a prompt.
struct EncodeOptions {
  bool add_special = true;    ///< add the beginning/end-of-sequence tokens the checkpoint asks for
  bool parse_special = true;  ///< recognise special tokens written in the text; false for text from users
  /// Where some of the text is from users: bytes (ascending offsets) that are part of no special token.
  std::span<const std::size_t> literal = {};
};

/// Text ↔ token ids. Immutable after construction, so any number of threads may use one.
class Tokenizer {
 public:
  /// From the keys "tokenizer.ggml.*" of a GGUF file.
  static Result<std::unique_ptr<const Tokenizer>> from_metadata(const Metadata& metadata);
  /// From a Hugging Face tokenizer.json; tokenizer_config.json and generation_config.json (more ids to stop at) where
  /// there are any (may be empty).
  static Result<std::unique_ptr<const Tokenizer>> from_json(std::string_view tokenizer_json,
                                                            std::string_view tokenizer_config_json,
                                                            std::string_view generation_config_json = {});
  virtual ~Tokenizer() = default;

  virtual Result<std::vector<TokenId>> encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  /// The bytes the ids stand for; an id outside the vocabulary is an Error. Special tokens are left out unless asked
  /// for.
  Result<std::string> decode(std::span<const TokenId> ids, bool keep_special = false) const;

  /// The bytes of one token as they appear inside a text (a leading space of SentencePiece included).
  virtual std::string_view piece(TokenId id) const = 0;
  virtual bool is_special(TokenId id) const = 0;
  virtual std::int32_t vocab_size() const = 0;
  virtual std::optional<TokenId> find(std::string_view piece) const = 0;  ///< exact vocabulary entry, specials included
  /// The bytes of a user's `text` that must be EncodeOptions::literal for no special token to come of it, whatever it
  /// is put between. A text that only becomes a special token's when it is normalized is an Error.
  virtual Result<std::vector<std::size_t>> special_texts(std::string_view text) const = 0;

  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }
  /// Every id that ends a generation: eos, end of turn, end of text.
  const std::vector<TokenId>& stop_ids() const { return stop_ids_; }
  /// The checkpoint's chat template (Jinja), empty when it has none.
  const std::string& chat_template() const { return chat_template_; }

  /// The keys "tokenizer.ggml.*" and "tokenizer.chat_template" that describe this tokenizer to GGUF readers.
  /// A tokenizer that GGUF has no words for is an Error.
  virtual Status write_metadata(Metadata& metadata) const = 0;

 protected:
  std::optional<TokenId> bos_, eos_;
  std::vector<TokenId> stop_ids_;
  std::string chat_template_;
  bool drops_first_space_ = false;  ///< encode() puts a space in front of a text, so decode() takes one away

  friend class StreamingDecoder;
};

/// Turns a stream of ids into text, holding back bytes until they complete a UTF-8 character.
/// Invalid bytes come out as U+FFFD.
class StreamingDecoder {
 public:
  explicit StreamingDecoder(const Tokenizer& tokenizer, bool keep_special = false)
      : tokenizer_(tokenizer), keep_special_(keep_special) {}

  /// The text that `id` completes; often empty in the middle of a character.
  std::string push(TokenId id);
  /// What is left at the end of the stream.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  bool keep_special_;
  bool first_ = true;
  std::string pending_;
};

}  // namespace sw
