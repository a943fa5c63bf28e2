#include <algorithm>
#include <array>

#include "text/byte_level.hpp"
#include "text/byte_token.hpp"
#include "text/pre_tokenizer_names.hpp"
#include "text/spaces.hpp"
#include "text/subword_tokenizer.hpp"
#include "text/tokenizer_gguf.hpp"

namespace sw {
namespace {

namespace key = gguf_keys;

/// What a token's text in the file stands for, and whether the model can produce it from text.
struct Piece {
  std::string bytes;
  TokenType type;
};

Piece piece_of(SubwordKind kind, const std::string& text, TokenType type) {
  if (type == TokenType::byte) {
    const auto byte = parse_byte_token(text);
    return byte ? Piece{std::string(1, *byte), TokenType::byte} : Piece{text, TokenType::unused};
  }
  if (type != TokenType::normal) return {text, type};
  if (kind == SubwordKind::byte_bpe) {
    auto bytes = byte_level::to_bytes(text);
    return bytes ? Piece{std::move(*bytes), type} : Piece{text, TokenType::unused};
  }
  if (text.find(' ') != std::string::npos) return {text, TokenType::unused};  // spaces are marked before matching
  return {unmark_spaces(text), type};
}

Status read_vocabulary(const Metadata& metadata, TokenizerSpec& spec) {
  const auto* tokens = metadata.strings(key::tokens);
  if (tokens == nullptr || tokens->empty()) {
    return fail("no tokens", std::string(key::tokens), "an array of strings", "choose a file with a tokenizer");
  }
  const auto* types = metadata.integers(key::types);
  const auto* scores = metadata.floats(key::scores);
  const auto check_size = [&](std::string_view name, std::size_t size) -> Status {
    if (size >= tokens->size()) return {};
    return fail("has " + std::to_string(size) + " elements", std::string(name),
                "one for each of " + std::to_string(tokens->size()) + " tokens");
  };
  if (types != nullptr) SW_TRY(check_size(key::types, types->size()));
  if (scores != nullptr) SW_TRY(check_size(key::scores, scores->size()));
  if (scores == nullptr && (spec.kind == SubwordKind::char_bpe || spec.kind == SubwordKind::unigram)) {
    return fail("no scores", std::string(key::scores), "one score for each token");
  }
  for (std::size_t i = 0; i < tokens->size(); ++i) {
    const std::int64_t type = types == nullptr ? 1 : (*types)[i];
    const bool known = type >= 1 && type <= 6;
    const Piece piece = piece_of(spec.kind, (*tokens)[i], known ? static_cast<TokenType>(type) : TokenType::unused);
    spec.vocabulary.add(piece.bytes, piece.type, scores == nullptr ? 0 : static_cast<float>((*scores)[i]));
  }
  return {};
}

Status read_merges(const Metadata& metadata, TokenizerSpec& spec) {
  const auto* merges = metadata.strings(key::merges);
  if (merges == nullptr) return fail("no merges", std::string(key::merges), "an array of strings");
  const PieceTable pieces(spec.vocabulary);
  for (const std::string& merge : *merges) {
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string::npos) continue;
    const auto left = byte_level::to_bytes(std::string_view(merge).substr(0, space));
    const auto right = byte_level::to_bytes(std::string_view(merge).substr(space + 1));
    if (!left || !right) continue;
    const auto left_id = pieces.find(*left), right_id = pieces.find(*right), merged = pieces.find(*left + *right);
    if (left_id && right_id && merged) spec.merges.push_back({*left_id, *right_id, *merged});
  }
  return {};
}

Status read_token(const Metadata& metadata, std::string_view name, std::optional<TokenId>& id) {
  if (metadata.find(name) == nullptr) return {};
  SW_ASSIGN(const std::int64_t value, metadata.integer(name));
  if (value == 0xFFFFFFFF || value == -1) {  // how some writers say "none"
    id.reset();
    return {};
  }
  id = static_cast<TokenId>(std::clamp<std::int64_t>(value, -1, INT32_MAX));
  return {};
}

Status read_special_tokens(const Metadata& metadata, TokenizerSpec& spec, bool default_add_bos, bool default_add_eos) {
  SW_TRY(read_token(metadata, key::bos, spec.bos));
  SW_TRY(read_token(metadata, key::eos, spec.eos));
  SW_TRY(read_token(metadata, key::unknown, spec.unknown));
  SW_TRY(read_token(metadata, key::padding, spec.padding));
  SW_TRY(read_token(metadata, key::separator, spec.separator));
  SW_TRY(read_token(metadata, key::mask, spec.mask));
  for (auto* id : {&spec.bos, &spec.eos, &spec.unknown, &spec.padding, &spec.separator, &spec.mask}) {
    if (*id && !spec.vocabulary.contains(**id)) id->reset();
  }

  SW_ASSIGN(const bool add_bos, metadata.boolean_or(key::add_bos, default_add_bos));
  SW_ASSIGN(const bool add_eos, metadata.boolean_or(key::add_eos, default_add_eos));
  const auto& first = spec.bos;
  const auto& last = spec.kind == SubwordKind::wordpiece ? spec.separator : spec.eos;
  if (add_bos && !first)
    return fail("no token to begin a prompt with", std::string(key::add_bos), "a valid bos_token_id");
  if (add_eos && !last) return fail("no token to end a prompt with", std::string(key::add_eos), "a valid eos_token_id");
  if (add_bos) spec.prefix.push_back(*first);
  if (add_eos) spec.suffix.push_back(*last);
  return {};
}

bool has(const MetadataValue::Integers* ids, TokenId id) {
  return ids != nullptr && std::ranges::find(*ids, std::int64_t{id}) != ids->end();
}

Status read_added_tokens(const Metadata& metadata, TokenizerSpec& spec) {
  const auto* lstrip = metadata.integers(key::lstrip);
  const auto* rstrip = metadata.integers(key::rstrip);
  const auto* single_word = metadata.integers(key::single_word);
  // GGUF does not say which tokens take the white space behind them. Phi-3's do (llama.cpp goes by the name as well).
  SW_ASSIGN(std::string name, metadata.string_or("general.name", ""));
  name = unicode::to_lower(name);
  const bool phi3 =
      rstrip == nullptr && (name.find("phi-3") != std::string::npos || name.find("phi3") != std::string::npos);

  for (TokenId id = 0; id < spec.vocabulary.size(); ++id) {
    const TokenType type = spec.vocabulary.type(id);
    const bool special = spec.vocabulary.is_special(id);
    if (!special && type != TokenType::user_defined) continue;
    AddedToken token{.id = id, .content = std::string(spec.vocabulary.piece(id)), .special = special};
    token.lstrip = has(lstrip, id);
    token.single_word = has(single_word, id);
    token.rstrip = has(rstrip, id) ||
                   (phi3 && token.content != "<unk>" && token.content != "<s>" && token.content != "<|endoftext|>");
    spec.added.push_back(std::move(token));
  }
  return {};
}

/// Tokens that end a generation are special even where the file calls them user-defined.
void mark_endings_special(TokenizerSpec& spec) {
  std::vector<AddedToken> added = spec.added;
  for (AddedToken& token : spec.added) token.special = true;
  const std::vector<TokenId> stops = find_stop_ids(spec);
  for (std::size_t i = 0; i < added.size(); ++i) {
    if (!std::ranges::binary_search(stops, added[i].id)) continue;
    added[i].special = true;
    if (!spec.vocabulary.is_special(added[i].id)) spec.vocabulary.set_type(added[i].id, TokenType::control);
  }
  spec.added = std::move(added);
}

Status read_byte_bpe(const Metadata& metadata, TokenizerSpec& spec) {
  SW_ASSIGN(spec.pre_tokenizer_name, metadata.string_or(key::pre, "default"));
  const PreTokenizerFamily* family = find_pre_tokenizer(spec.pre_tokenizer_name);
  if (family == nullptr) {
    return fail("unknown pre-tokenizer '" + spec.pre_tokenizer_name + "'", std::string(key::pre),
                "one of the families this program knows, such as gpt-2, llama-bpe or qwen2");
  }
  spec.pre_tokenizer = family->steps;
  spec.ignore_merges = family->ignore_merges;
  SW_ASSIGN(const bool nfc, metadata.boolean_or(key::nfc, false));
  if (nfc) spec.normalizer.push_back({.kind = NormalizerStep::Kind::form});
  SW_TRY(read_merges(metadata, spec));
  return read_special_tokens(metadata, spec, family->add_bos, false);
}

Status read_sentencepiece(const Metadata& metadata, TokenizerSpec& spec) {
  using Kind = NormalizerStep::Kind;
  spec.spaces_are_marked = true;
  spec.byte_fallback = true;
  spec.merges_by_score = true;
  spec.bos = 1;
  spec.eos = 2;
  spec.unknown = 0;
  SW_ASSIGN(spec.drops_first_space, metadata.boolean_or(key::add_space_prefix, true));
  if (spec.drops_first_space) spec.normalizer.push_back({.kind = Kind::prepend, .content = " "});
  spec.normalizer.push_back({.kind = Kind::replace, .pattern = std::string(space_mark), .content = " "});
  return read_special_tokens(metadata, spec, true, false);
}

Status read_unigram(const Metadata& metadata, TokenizerSpec& spec) {
  using Kind = NormalizerStep::Kind;
  spec.spaces_are_marked = true;
  spec.fuse_unknown = true;
  spec.eos = 1;
  spec.unknown = 2;
  spec.padding = 0;
  if (const auto* map = metadata.integers(key::charsmap)) {
    std::string bytes;
    for (const std::int64_t byte : *map) bytes += static_cast<char>(byte);
    spec.normalizer.push_back({.kind = Kind::charsmap, .content = std::move(bytes)});
  }
  NormalizerStep squeeze{.kind = Kind::squeeze};
  SW_ASSIGN(squeeze.add_prefix, metadata.boolean_or(key::add_space_prefix, false));
  SW_ASSIGN(squeeze.remove_extra, metadata.boolean_or(key::remove_extra_whitespaces, false));
  spec.drops_first_space = squeeze.add_prefix || squeeze.remove_extra;
  spec.normalizer.push_back(squeeze);
  spec.normalizer.push_back({.kind = Kind::replace, .pattern = std::string(space_mark), .content = " "});
  return read_special_tokens(metadata, spec, false, true);
}

Status read_wordpiece(const Metadata& metadata, TokenizerSpec& spec) {
  spec.drops_first_space = true;
  spec.bos = 101;
  spec.unknown = 100;
  spec.separator = 102;
  spec.padding = 0;
  spec.mask = 103;
  SW_TRY(read_token(metadata, key::cls, spec.bos));
  NormalizerStep bert{.kind = NormalizerStep::Kind::bert, .clean_text = true, .chinese_chars = true};
  SW_ASSIGN(bert.lower, metadata.boolean_or(key::lowercase, true));
  SW_ASSIGN(bert.accents, metadata.boolean_or(key::strip_accents, bert.lower));
  spec.normalizer.push_back(bert);
  spec.pre_tokenizer.push_back({.kind = PreTokenizerStep::Kind::bert});
  return read_special_tokens(metadata, spec, true, true);
}

}  // namespace

Result<TokenizerSpec> read_tokenizer_metadata(const Metadata& metadata) {
  struct Reader {
    std::string_view model;
    SubwordKind kind;
    Status (*read)(const Metadata&, TokenizerSpec&);
  };
  static constexpr std::array<Reader, 4> readers{{
      {"gpt2", SubwordKind::byte_bpe, read_byte_bpe},
      {"llama", SubwordKind::char_bpe, read_sentencepiece},
      {"t5", SubwordKind::unigram, read_unigram},
      {"bert", SubwordKind::wordpiece, read_wordpiece},
  }};
  SW_ASSIGN(const std::string model, metadata.string(key::model));
  const auto reader = std::ranges::find(readers, model, &Reader::model);
  if (reader == readers.end()) {
    return fail("unknown tokenizer model '" + model + "'", std::string(key::model), "gpt2, llama, t5 or bert");
  }
  TokenizerSpec spec;
  spec.kind = reader->kind;
  SW_TRY(read_vocabulary(metadata, spec));
  SW_TRY(reader->read(metadata, spec));
  SW_TRY(read_added_tokens(metadata, spec));
  mark_endings_special(spec);
  spec.stop_ids = find_stop_ids(spec);
  for (const std::string_view name : {key::eot, key::eom}) {
    std::optional<TokenId> id;
    SW_TRY(read_token(metadata, name, id));
    if (id && spec.vocabulary.contains(*id)) spec.stop_ids.push_back(*id);
  }
  std::ranges::sort(spec.stop_ids);
  spec.stop_ids.erase(std::ranges::unique(spec.stop_ids).begin(), spec.stop_ids.end());
  SW_ASSIGN(spec.chat_template, metadata.string_or(key::chat_template, ""));
  return spec;
}

Result<std::unique_ptr<const Tokenizer>> Tokenizer::from_metadata(const Metadata& metadata) {
  SW_ASSIGN(TokenizerSpec spec, read_tokenizer_metadata(metadata));
  return SubwordTokenizer::compile(std::move(spec));
}

}  // namespace sw
