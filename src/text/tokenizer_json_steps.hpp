#pragma once

#include <nlohmann/json_fwd.hpp>
#include "base/error.hpp"
#include "text/tokenizer_spec.hpp"

/// tokenizer.json's normalizer, pre_tokenizer and decoder in the terms of TokenizerSpec. A component that is not
/// supported is an Error that names it.
namespace sw::tokenizer_json {

/// Whether the file works on bytes (a ByteLevel component) rather than characters.
bool is_byte_level(const nlohmann::json& file);
/// Whether the file writes spaces as "▁" (a Replace normalizer or a Metaspace pre-tokenizer).
bool marks_spaces(const nlohmann::json& file);

Status read_normalizer(const nlohmann::json& file, TokenizerSpec& spec);
Status read_pre_tokenizer(const nlohmann::json& file, TokenizerSpec& spec);
Status read_decoder(const nlohmann::json& file, TokenizerSpec& spec);

/// Members of another type than wanted count as absent.
std::string text_of(const nlohmann::json& object, const char* key);
bool flag_of(const nlohmann::json& object, const char* key, bool fallback);

}  // namespace sw::tokenizer_json
