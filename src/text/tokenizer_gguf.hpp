#pragma once

#include <string_view>

#include "formats/metadata.hpp"
#include "text/tokenizer_spec.hpp"

/// Tokenizers in GGUF: the keys "tokenizer.ggml.*", read and written so that llama.cpp tokenizes the same. What GGUF
/// has no key for and this program needs to be exact goes into "tokenizer.speedwins.*", which other readers ignore.
namespace sw {

Result<TokenizerSpec> read_tokenizer_metadata(const Metadata& metadata);
Status write_tokenizer_metadata(const TokenizerSpec& spec, Metadata& metadata);

/// The tokens that end a generation: eos, and the special tokens whose text says so in the models known to date.
std::vector<TokenId> find_stop_ids(const TokenizerSpec& spec);

namespace gguf_keys {

inline constexpr std::string_view model = "tokenizer.ggml.model", pre = "tokenizer.ggml.pre",
                                  tokens = "tokenizer.ggml.tokens", types = "tokenizer.ggml.token_type",
                                  scores = "tokenizer.ggml.scores", merges = "tokenizer.ggml.merges",
                                  charsmap = "tokenizer.ggml.precompiled_charsmap", bos = "tokenizer.ggml.bos_token_id",
                                  eos = "tokenizer.ggml.eos_token_id", unknown = "tokenizer.ggml.unknown_token_id",
                                  padding = "tokenizer.ggml.padding_token_id",
                                  separator = "tokenizer.ggml.seperator_token_id",  // the format's own spelling
    mask = "tokenizer.ggml.mask_token_id", cls = "tokenizer.ggml.cls_token_id", eot = "tokenizer.ggml.eot_token_id",
                                  eom = "tokenizer.ggml.eom_token_id", add_bos = "tokenizer.ggml.add_bos_token",
                                  add_eos = "tokenizer.ggml.add_eos_token",
                                  add_space_prefix = "tokenizer.ggml.add_space_prefix",
                                  remove_extra_whitespaces = "tokenizer.ggml.remove_extra_whitespaces",
                                  lowercase = "tokenizer.ggml.normalizer.lowercase",
                                  strip_accents = "tokenizer.ggml.normalizer.strip_accents",
                                  chat_template = "tokenizer.chat_template", lstrip = "tokenizer.speedwins.lstrip",
                                  rstrip = "tokenizer.speedwins.rstrip",
                                  single_word = "tokenizer.speedwins.single_word", nfc = "tokenizer.speedwins.nfc";

}  // namespace gguf_keys
}  // namespace sw
