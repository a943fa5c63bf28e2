// Hugging Face's tokenizer.json (github.com/huggingface/tokenizers) and tokenizer_config.json.

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "text/byte_level.hpp"
#include "text/byte_token.hpp"
#include "text/spaces.hpp"
#include "text/subword_tokenizer.hpp"
#include "text/tokenizer_gguf.hpp"
#include "text/tokenizer_json_steps.hpp"

namespace sw {
namespace {

using nlohmann::json;
using tokenizer_json::flag_of;
using tokenizer_json::text_of;

constexpr const char* file_name = "tokenizer.json";

const json& member(const json& object, const char* key) {
  static const json null;
  if (!object.is_object()) return null;
  const auto value = object.find(key);
  return value == object.end() ? null : *value;
}

/// The entries of a vocabulary as the file has them: text and score by id.
struct Entries {
  std::map<std::int64_t, std::pair<std::string, float>> by_id;
  std::map<std::string, TokenId, std::less<>> ids;
};

Status add_entry(Entries& entries, std::string text, std::int64_t id, float score) {
  if (id < 0 || id > INT32_MAX) {
    return fail("token '" + text + "' has the id " + std::to_string(id), file_name, "0 to 2147483647");
  }
  entries.ids.emplace(text, static_cast<TokenId>(id));
  entries.by_id.emplace(id, std::pair(std::move(text), score));
  return {};
}

Result<Entries> read_entries(const json& file) {
  Entries entries;
  const json& vocabulary = member(member(file, "model"), "vocab");
  if (vocabulary.is_object()) {
    for (const auto& [text, id] : vocabulary.items()) {
      if (!id.is_number_integer()) return fail("the id of token '" + text + "' is not an integer", file_name);
      SW_TRY(add_entry(entries, text, id.get<std::int64_t>(), 0));
    }
  } else if (vocabulary.is_array()) {  // Unigram: [[text, score], …]
    for (const json& entry : vocabulary) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
        return fail("an entry of model.vocab is not a text and a score", file_name, "[\"▁the\", -3.2]");
      }
      SW_TRY(add_entry(entries, entry[0].get<std::string>(), static_cast<std::int64_t>(entries.by_id.size()),
                       entry[1].get<float>()));
    }
  } else {
    return fail("no model.vocab", file_name, "an object of ids or an array of scores");
  }
  return entries;
}

Result<std::vector<AddedToken>> read_added_tokens(const json& file) {
  std::vector<AddedToken> added;
  const json& list = member(file, "added_tokens");
  if (!list.is_array()) return added;
  for (const json& entry : list) {
    const json& id = member(entry, "id");
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > INT32_MAX) {
      return fail("an added token without a valid id", file_name, "0 to 2147483647");
    }
    const bool special = flag_of(entry, "special", false);
    added.push_back({.id = id.get<TokenId>(),
                     .content = text_of(entry, "content"),
                     .special = special,
                     .single_word = flag_of(entry, "single_word", false),
                     .lstrip = flag_of(entry, "lstrip", false),
                     .rstrip = flag_of(entry, "rstrip", false),
                     .normalized = flag_of(entry, "normalized", !special)});
  }
  return added;
}

/// The bytes a text of the vocabulary stands for, and its type.
std::pair<std::string, TokenType> piece_of(const TokenizerSpec& spec, const std::string& continuing,
                                           const std::string& text) {
  if (spec.kind == SubwordKind::wordpiece) {
    if (text.starts_with(continuing) && text.size() > continuing.size()) {
      return {text.substr(continuing.size()), TokenType::normal};
    }
    return {' ' + text, TokenType::normal};
  }
  if (spec.kind == SubwordKind::byte_bpe) {
    auto bytes = byte_level::to_bytes(text);
    if (bytes) return {std::move(*bytes), TokenType::normal};
    return {text, TokenType::unused};
  }
  if (spec.byte_fallback) {
    if (const auto byte = parse_byte_token(text)) return {std::string(1, *byte), TokenType::byte};
  }
  if (!spec.spaces_are_marked) return {text, TokenType::normal};
  if (text.find(' ') != std::string::npos) return {text, TokenType::unused};
  return {unmark_spaces(text), TokenType::normal};
}

Status build_vocabulary(const json& file, const Entries& entries, TokenizerSpec& spec) {
  std::map<TokenId, const AddedToken*> added;
  for (const AddedToken& token : spec.added) added.emplace(token.id, &token);
  const std::int64_t last = std::max(entries.by_id.empty() ? -1 : entries.by_id.rbegin()->first,
                                     added.empty() ? std::int64_t{-1} : std::int64_t{added.rbegin()->first});
  const std::size_t n_entries = entries.by_id.size() + added.size();
  constexpr std::size_t most_holes = 1 << 16;
  if (n_entries == 0) return fail("the vocabulary is empty", file_name);
  if (static_cast<std::size_t>(last) > n_entries + most_holes) {
    return fail("the ids reach " + std::to_string(last) + " with " + std::to_string(n_entries) + " tokens", file_name,
                "ids without large gaps");
  }
  std::string continuing = text_of(member(file, "model"), "continuing_subword_prefix");
  if (continuing.empty()) continuing = "##";
  for (std::int64_t id = 0; id <= last; ++id) {
    const auto entry = entries.by_id.find(id);
    const auto extra = added.find(static_cast<TokenId>(id));
    const float score = entry == entries.by_id.end() ? 0 : entry->second.second;
    if (extra != added.end()) {
      const bool special = extra->second->special;
      const std::string& content = extra->second->content;
      spec.vocabulary.add(!special && spec.spaces_are_marked ? unmark_spaces(content) : content,
                          special ? TokenType::control : TokenType::user_defined, score);
    } else if (entry != entries.by_id.end()) {
      const auto [bytes, type] = piece_of(spec, continuing, entry->second.first);
      spec.vocabulary.add(bytes, type, score);
    } else {
      spec.vocabulary.add("[PAD" + std::to_string(id) + "]", TokenType::unused);
    }
  }
  return {};
}

Status read_merges(const json& model, const Entries& entries, TokenizerSpec& spec) {
  const json& merges = member(model, "merges");
  if (!merges.is_array()) return fail("no model.merges", file_name, "an array of pairs");
  spec.merges.reserve(merges.size());
  for (const json& merge : merges) {
    std::string left, right;
    if (merge.is_string()) {
      const auto text = merge.get<std::string>();
      const std::size_t space = text.find(' ', 1);
      left = text.substr(0, space);
      if (space != std::string::npos) right = text.substr(space + 1);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    }
    const auto left_id = entries.ids.find(left), right_id = entries.ids.find(right),
               merged = entries.ids.find(left + right);
    if (left_id == entries.ids.end() || right_id == entries.ids.end() || merged == entries.ids.end()) {
      return fail("merge " + std::to_string(spec.merges.size()) + ", '" + left + "' and '" + right +
                      "', is not of tokens in the vocabulary",
                  file_name, "two tokens whose concatenation is a token");
    }
    spec.merges.push_back({left_id->second, right_id->second, merged->second});
  }
  return {};
}

Status read_model(const json& file, TokenizerSpec& spec) {
  const json& model = member(file, "model");
  if (!model.is_object()) return fail("no model", file_name, "an object");
  std::string type = text_of(model, "type");
  if (type.empty()) type = model.contains("merges") ? "BPE" : model.contains("unk_id") ? "Unigram" : "WordPiece";
  const json& dropout = member(model, "dropout");
  if (dropout.is_number() && dropout != 0) return fail("BPE dropout is for training only", file_name, "no dropout");

  spec.byte_fallback = flag_of(model, "byte_fallback", false);
  spec.spaces_are_marked = tokenizer_json::marks_spaces(file);
  if (type == "BPE") {
    spec.kind = tokenizer_json::is_byte_level(file) ? SubwordKind::byte_bpe : SubwordKind::char_bpe;
    for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (!text_of(model, affix).empty())
        return fail(std::string("BPE with ") + affix + " is not supported", file_name);
    }
    spec.fuse_unknown = flag_of(model, "fuse_unk", false);
    spec.ignore_merges = flag_of(model, "ignore_merges", false);
  } else if (type == "Unigram") {
    spec.kind = SubwordKind::unigram;
  } else if (type == "WordPiece") {
    spec.kind = SubwordKind::wordpiece;
    const json& longest = member(model, "max_input_chars_per_word");
    if (longest.is_number_unsigned()) spec.max_word_chars = longest.get<std::size_t>();
  } else {
    return fail("unsupported model '" + type + "'", file_name, "BPE, Unigram or WordPiece");
  }

  SW_ASSIGN(const Entries entries, read_entries(file));
  SW_ASSIGN(spec.added, read_added_tokens(file));
  SW_TRY(build_vocabulary(file, entries, spec));
  if (type == "BPE") SW_TRY(read_merges(model, entries, spec));
  if (const auto unknown = entries.ids.find(text_of(model, "unk_token")); unknown != entries.ids.end()) {
    spec.unknown = unknown->second;
  }
  const json& unknown_id = member(model, "unk_id");
  if (unknown_id.is_number_unsigned() && unknown_id.get<std::uint64_t>() < entries.by_id.size()) {
    spec.unknown = unknown_id.get<TokenId>();
  }
  if (spec.unknown) spec.vocabulary.set_type(*spec.unknown, TokenType::unknown);
  return {};
}

/// The tokens that one post-processor puts around a single text.
Status read_post_processor(const json& component, int depth, TokenizerSpec& spec) {
  const std::string type = text_of(component, "type");
  constexpr int deepest = 8;
  if (type == "Sequence" && depth < deepest) {
    const json& list = member(component, "processors");
    if (!list.is_array()) return {};
    for (const json& processor : list) SW_TRY(read_post_processor(processor, depth + 1, spec));
    return {};
  }
  const auto add = [&](const json& ids, std::vector<TokenId>& side) -> Status {
    if (!ids.is_array()) return fail("a special token of the post-processor without ids", file_name);
    for (const json& id : ids) {
      if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= spec.vocabulary.size()) {
        return fail("the post-processor's token id " + id.dump() + " is not in the vocabulary", file_name);
      }
      side.push_back(id.get<TokenId>());
    }
    return {};
  };
  if (type == "TemplateProcessing") {
    const json& single = member(component, "single");
    if (!single.is_array()) return fail("TemplateProcessing without 'single'", file_name);
    std::vector<TokenId>* side = &spec.prefix;
    for (const json& part : single) {
      if (part.is_object() && part.contains("Sequence")) {
        side = &spec.suffix;
        continue;
      }
      const std::string token = text_of(member(part, "SpecialToken"), "id");
      SW_TRY(add(member(member(member(component, "special_tokens"), token.c_str()), "ids"), *side));
    }
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    for (const auto& [name, side] : {std::pair("cls", &spec.prefix), std::pair("sep", &spec.suffix)}) {
      const json& token = member(component, name);
      if (!token.is_array() || token.size() != 2) return fail(type + " without '" + name + "'", file_name);
      SW_TRY(add(json::array({token[1]}), *side));
    }
  } else if (type != "ByteLevel") {
    return fail("unsupported post-processor '" + type + "'", file_name, "TemplateProcessing, BertProcessing, …");
  }
  return {};
}

std::optional<TokenId> find_token(const TokenizerSpec& spec, const json& entry) {
  const std::string text = entry.is_string() ? entry.get<std::string>() : text_of(entry, "content");
  if (text.empty()) return std::nullopt;
  const auto added = std::ranges::find(spec.added, text, &AddedToken::content);
  if (added != spec.added.end()) return added->id;
  for (TokenId id = 0; id < spec.vocabulary.size(); ++id) {
    if (spec.vocabulary.piece(id) == text) return id;
  }
  return std::nullopt;
}

/// chat_template is a text, or a list of named ones of which "default" is the one to use.
std::string chat_template_of(const json& config) {
  const json& value = member(config, "chat_template");
  if (value.is_string()) return value.get<std::string>();
  std::string first;
  if (!value.is_array()) return first;
  for (const json& entry : value) {
    if (!entry.is_object()) continue;
    if (text_of(entry, "name") == "default") return text_of(entry, "template");
    if (first.empty()) first = text_of(entry, "template");
  }
  return first;
}

void read_config(const json& config, TokenizerSpec& spec) {
  spec.bos = find_token(spec, member(config, "bos_token"));
  spec.eos = find_token(spec, member(config, "eos_token"));
  spec.padding = find_token(spec, member(config, "pad_token"));
  spec.separator = find_token(spec, member(config, "sep_token"));
  spec.mask = find_token(spec, member(config, "mask_token"));
  spec.chat_template = chat_template_of(config);

  // These classes of transformers replace the file's post-processor by what the two flags say.
  static constexpr auto rebuilding = std::to_array<std::string_view>({"Llama", "CodeLlama", "Gemma", "Cohere"});
  const std::string name = text_of(config, "tokenizer_class");
  const bool rebuilds = std::ranges::any_of(rebuilding, [&](std::string_view c) {
    return name.starts_with(c) && name.substr(c.size()).starts_with("Tokenizer");
  });
  const bool bare = spec.prefix.empty() && spec.suffix.empty();
  const auto apply = [&](const char* flag, const std::optional<TokenId>& token, std::vector<TokenId>& side) {
    if (!member(config, flag).is_boolean() || !token || !(rebuilds || bare)) return;
    side.clear();
    if (flag_of(config, flag, false)) side.push_back(*token);
  };
  apply("add_bos_token", spec.bos, spec.prefix);
  apply("add_eos_token", spec.eos, spec.suffix);
}

/// What the config does not name, from the tokens around a prompt and the names in common use.
void guess_missing_tokens(TokenizerSpec& spec) {
  if (!spec.bos && spec.prefix.size() == 1) spec.bos = spec.prefix[0];
  if (!spec.separator && spec.kind == SubwordKind::wordpiece && spec.suffix.size() == 1)
    spec.separator = spec.suffix[0];
  if (spec.eos || spec.kind == SubwordKind::wordpiece) return;
  for (const char* name : {"</s>", "<|endoftext|>", "<eos>", "<|end_of_text|>"}) {
    if (!spec.eos) spec.eos = find_token(spec, name);
  }
}

Result<json> parse(std::string_view text, const char* name) {
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) return fail("not valid JSON", name, "a JSON object", "download the file again");
  if (!value.is_object()) return fail("not a JSON object", name, "a JSON object");
  return value;
}

/// The tokens that generation_config.json ends a text at: one id or a list.
void read_generation_config(const json& config, TokenizerSpec& spec) {
  const auto add = [&](const json& id) {
    if (!id.is_number_integer()) return;
    const auto value = id.get<std::int64_t>();
    if (value >= 0 && value <= INT32_MAX && spec.vocabulary.contains(static_cast<TokenId>(value)))
      spec.stop_ids.push_back(static_cast<TokenId>(value));
  };
  const json& ids = member(config, "eos_token_id");
  if (ids.is_array())
    for (const json& id : ids) add(id);
  else
    add(ids);
  std::ranges::sort(spec.stop_ids);
  spec.stop_ids.erase(std::ranges::unique(spec.stop_ids).begin(), spec.stop_ids.end());
}

Result<TokenizerSpec> read_tokenizer_json(std::string_view tokenizer, std::string_view config,
                                          std::string_view generation_config) {
  SW_ASSIGN(const json file, parse(tokenizer, file_name));
  TokenizerSpec spec;
  SW_TRY(read_model(file, spec));
  SW_TRY(tokenizer_json::read_normalizer(file, spec));
  SW_TRY(tokenizer_json::read_pre_tokenizer(file, spec));
  SW_TRY(tokenizer_json::read_decoder(file, spec));
  const json& post_processor = member(file, "post_processor");
  if (post_processor.is_object()) SW_TRY(read_post_processor(post_processor, 0, spec));
  if (!config.empty()) {
    SW_ASSIGN(const json settings, parse(config, "tokenizer_config.json"));
    read_config(settings, spec);
  }
  guess_missing_tokens(spec);
  spec.stop_ids = find_stop_ids(spec);
  if (!generation_config.empty()) {
    SW_ASSIGN(const json settings, parse(generation_config, "generation_config.json"));
    read_generation_config(settings, spec);
  }
  return spec;
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> Tokenizer::from_json(std::string_view tokenizer_json,
                                                              std::string_view tokenizer_config_json,
                                                              std::string_view generation_config_json) {
  SW_ASSIGN(TokenizerSpec spec, read_tokenizer_json(tokenizer_json, tokenizer_config_json, generation_config_json));
  return SubwordTokenizer::compile(std::move(spec));
}

}  // namespace sw
