#include <algorithm>
#include <iterator>
#include <map>

#include "text/byte_level.hpp"
#include "text/byte_token.hpp"
#include "text/merge_table.hpp"
#include "text/pre_tokenizer_names.hpp"
#include "text/spaces.hpp"
#include "text/subword_model.hpp"
#include "text/tokenizer_gguf.hpp"

namespace sw {
namespace {

namespace key = gguf_keys;
using Kind = NormalizerStep::Kind;
using PreKind = PreTokenizerStep::Kind;
using Prepend = PreTokenizerStep::Prepend;

constexpr const char* where = "tokenizer → GGUF";

/// A token as GGUF writes it; the inverse of reading.
std::string text_of(const TokenizerSpec& spec, TokenId id) {
  const std::string_view piece = spec.vocabulary.piece(id);
  const TokenType type = spec.vocabulary.type(id);
  if (type == TokenType::byte) return byte_token_text(piece[0]);
  if (type != TokenType::normal) return std::string(piece);
  return spec.kind == SubwordKind::byte_bpe ? byte_level::to_text(piece) : mark_spaces(piece);
}

void write_tokens(const TokenizerSpec& spec, Metadata& metadata) {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;
  for (TokenId id = 0; id < spec.vocabulary.size(); ++id) {
    tokens.push_back(text_of(spec, id));
    types.push_back(static_cast<std::int32_t>(spec.vocabulary.type(id)));
  }
  metadata.set(std::string(key::tokens), std::move(tokens));
  metadata.set(std::string(key::types), std::move(types));
}

void write_scores(const std::vector<float>& scores, Metadata& metadata) {
  metadata.set(std::string(key::scores), scores);
}

std::vector<float> scores_of(const Vocabulary& vocabulary) {
  std::vector<float> scores;
  for (TokenId id = 0; id < vocabulary.size(); ++id) scores.push_back(vocabulary.score(id));
  return scores;
}

Status write_special_tokens(const TokenizerSpec& spec, Metadata& metadata) {
  const auto write = [&](std::string_view name, const std::optional<TokenId>& id) {
    if (id) metadata.set(std::string(name), static_cast<std::uint32_t>(*id));
  };
  const bool wordpiece = spec.kind == SubwordKind::wordpiece;
  std::optional<TokenId> first = spec.bos;
  if (wordpiece && spec.prefix.size() == 1) first = spec.prefix[0];
  const std::optional<TokenId> last = wordpiece ? spec.separator : spec.eos;
  const auto only = [](const std::vector<TokenId>& side, const std::optional<TokenId>& id) {
    return side.empty() || (side.size() == 1 && side[0] == id);
  };
  if (!only(spec.prefix, first) || !only(spec.suffix, last)) {
    return fail("the tokens around a prompt are not the beginning and end of a sequence", where,
                "at most the bos token before and the eos token after");
  }
  write(key::bos, first);
  write(key::eos, spec.eos);
  write(key::unknown, spec.unknown);
  write(key::padding, spec.padding);
  write(key::separator, spec.separator);
  write(key::mask, spec.mask);
  // A reader finds the usual endings by their text; two others can be named.
  std::vector<TokenId> others;
  std::ranges::set_difference(spec.stop_ids, find_stop_ids(spec), std::back_inserter(others));
  if (!others.empty()) write(key::eot, others[0]);
  if (others.size() > 1) write(key::eom, others[1]);
  metadata.set(std::string(key::add_bos), !spec.prefix.empty());
  metadata.set(std::string(key::add_eos), !spec.suffix.empty());
  if (!spec.chat_template.empty()) metadata.set(std::string(key::chat_template), spec.chat_template);
  return {};
}

void write_added_tokens(const TokenizerSpec& spec, Metadata& metadata) {
  const auto write = [&](std::string_view name, bool AddedToken::*flag) {
    std::vector<std::int32_t> ids;
    for (const AddedToken& token : spec.added) {
      if (token.*flag) ids.push_back(token.id);
    }
    if (!ids.empty()) metadata.set(std::string(name), std::move(ids));
  };
  write(key::lstrip, &AddedToken::lstrip);
  write(key::rstrip, &AddedToken::rstrip);
  write(key::single_word, &AddedToken::single_word);
}

/// Whether the merges alone make every token, so that ignore_merges changes nothing.
Result<bool> merges_reach_every_token(const TokenizerSpec& spec) {
  TokenizerSpec merging = spec;
  merging.ignore_merges = false;
  const PieceTable pieces(merging.vocabulary);
  SW_ASSIGN(const std::unique_ptr<SubwordModel> model, make_bpe(merging, pieces));
  return encodes_its_tokens(*model, merging, pieces);
}

Status write_byte_bpe(const TokenizerSpec& spec, Metadata& metadata) {
  for (const NormalizerStep& step : spec.normalizer) {
    if (step.kind == Kind::form && step.form == unicode::Form::nfc) {
      metadata.set(std::string(key::nfc), true);
    } else {
      return fail("GGUF cannot describe this normalizer", where, "none or NFC for byte-level BPE");
    }
  }
  std::string name = spec.pre_tokenizer_name;
  const PreTokenizerFamily* named = find_pre_tokenizer(name);
  if (named == nullptr || named->steps != spec.pre_tokenizer) {
    const auto families = families_of(spec.pre_tokenizer);
    if (families.empty()) {
      std::string pattern = "none";
      for (const PreTokenizerStep& step : spec.pre_tokenizer) {
        if (!step.pattern.empty()) pattern = "'" + step.pattern + "'";
      }
      return fail("no tokenizer.ggml.pre stands for this pre-tokenizer (last pattern " + pattern + ")", where,
                  "the pre-tokenizer of a family llama.cpp knows");
    }
    const PreTokenizerFamily* chosen = nullptr;
    for (const PreTokenizerFamily* family : families) {
      if (chosen == nullptr && family->ignore_merges == spec.ignore_merges) chosen = family;
    }
    if (chosen == nullptr) {
      SW_ASSIGN(const bool same, merges_reach_every_token(spec));
      if (!same) {
        return fail("no tokenizer.ggml.pre stands for this pre-tokenizer with ignore_merges " +
                        std::string(spec.ignore_merges ? "on" : "off"),
                    where);
      }
      chosen = families.front();
    }
    name = chosen->names.front();
  }
  metadata.set(std::string(key::model), "gpt2");
  metadata.set(std::string(key::pre), name);
  std::vector<std::string> merges;
  for (const Merge& merge : spec.merges) merges.push_back(text_of(spec, merge.left) + ' ' + text_of(spec, merge.right));
  metadata.set(std::string(key::merges), std::move(merges));
  return {};
}

/// SentencePiece merges whatever two pieces form a token, best score first. Merge rules say the same when they name
/// every such pair and keep the pairs of one token together; then a token's score is the order of its pairs.
Result<std::vector<float>> scores_from_merges(const TokenizerSpec& spec) {
  const auto inexact = [] {
    return fail("the merges cannot be written as the scores of a SentencePiece model", where,
                "for every token, all pairs of tokens that form it, next to each other");
  };
  const Vocabulary& vocabulary = spec.vocabulary;
  const auto n_tokens = static_cast<std::size_t>(vocabulary.size());
  std::vector<float> scores(n_tokens, 0);
  std::vector<bool> scored(n_tokens, false);
  MergeTable pairs(spec.merges.size());
  float next = 0;
  TokenId previous = -1;
  for (std::size_t i = 0; i < spec.merges.size(); ++i) {
    const Merge& merge = spec.merges[i];
    pairs.insert(merge.left, merge.right, {static_cast<std::uint32_t>(i), merge.merged});
    if (merge.merged == previous) continue;
    previous = merge.merged;
    const auto token = static_cast<std::size_t>(previous);
    if (scored[token]) return inexact();
    scored[token] = true;
    scores[token] = next--;
  }
  const PieceTable pieces(vocabulary);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view piece = vocabulary.piece(id);
    if (pieces.find(piece) != id) continue;
    if (!scored[static_cast<std::size_t>(id)]) scores[static_cast<std::size_t>(id)] = next--;
    std::size_t cut = unicode::decode(piece, 0).size;
    for (std::size_t size = 0; cut < piece.size(); cut += size) {
      size = unicode::decode(piece, cut).size;
      const auto left = pieces.find(piece.substr(0, cut)), right = pieces.find(piece.substr(cut));
      if (left && right && pairs.find(*left, *right).rank == MergeRule::none) return inexact();
    }
  }
  return scores;
}

/// The one way GGUF's "llama" model treats spaces: marked, and maybe one put in front.
Result<bool> adds_space_prefix(const TokenizerSpec& spec) {
  bool prefix = false, exact = spec.spaces_are_marked;
  for (const NormalizerStep& step : spec.normalizer) {
    const bool marks =
        step.kind == Kind::replace && !step.is_regex && step.pattern == space_mark && step.content == " ";
    if (step.kind == Kind::prepend && step.content == " ") {
      prefix = true;
    } else {
      exact &= marks;
    }
  }
  for (const PreTokenizerStep& step : spec.pre_tokenizer) {
    exact &= step.kind == PreKind::metaspace && !step.split && !prefix;
    prefix |= step.prepend != Prepend::never;
  }
  if (exact) return prefix;
  return fail("GGUF cannot describe this normalizer and pre-tokenizer", where,
              "spaces written as '▁', maybe with one in front of the text, and no splitting");
}

Status write_sentencepiece(const TokenizerSpec& spec, Metadata& metadata) {
  if (!spec.byte_fallback) return fail("BPE over characters without byte fallback", where, "byte fallback");
  SW_ASSIGN(const bool prefix, adds_space_prefix(spec));
  metadata.set(std::string(key::model), "llama");
  metadata.set(std::string(key::pre), "default");
  metadata.set(std::string(key::add_space_prefix), prefix);
  if (spec.merges_by_score) {
    write_scores(scores_of(spec.vocabulary), metadata);
    return {};
  }
  SW_ASSIGN(const std::vector<float> scores, scores_from_merges(spec));
  write_scores(scores, metadata);
  return {};
}

Status write_unigram(const TokenizerSpec& spec, Metadata& metadata) {
  const auto inexact = [] {
    return fail("GGUF cannot describe this normalizer and pre-tokenizer", where,
                "SentencePiece's charsmap, then WhitespaceSplit and Metaspace, as T5 and XLM-RoBERTa have");
  };
  if (spec.byte_fallback) return fail("Unigram with byte fallback", where, "an unknown token instead");
  const NormalizerStep* charsmap = nullptr;
  bool prefix = false, remove_extra = false, read_from_gguf = false;
  for (const NormalizerStep& step : spec.normalizer) {
    if (step.kind == Kind::charsmap && charsmap == nullptr) {
      charsmap = &step;
    } else if (step.kind == Kind::squeeze) {
      read_from_gguf = true;
      prefix = step.add_prefix;
      remove_extra = step.remove_extra;
    } else if (step.kind != Kind::replace || step.pattern != space_mark || step.content != " ") {
      return inexact();
    }
  }
  if (!read_from_gguf) {
    const auto& steps = spec.pre_tokenizer;
    // Without a charsmap, line breaks would stay what they are.
    if (charsmap == nullptr || steps.size() != 2 || steps[0].kind != PreKind::whitespace_split ||
        steps[1].kind != PreKind::metaspace || steps[1].prepend != Prepend::always) {
      return inexact();
    }
    prefix = remove_extra = true;
  }
  metadata.set(std::string(key::model), "t5");
  metadata.set(std::string(key::pre), "default");
  metadata.set(std::string(key::add_space_prefix), prefix);
  metadata.set(std::string(key::remove_extra_whitespaces), remove_extra);
  if (charsmap != nullptr) {
    MetadataValue::Integers bytes;
    for (const char byte : charsmap->content) bytes.push_back(static_cast<unsigned char>(byte));
    metadata.set(std::string(key::charsmap),
                 MetadataValue{MetadataValue::Type::array, MetadataValue::Type::u8, std::move(bytes)});
  }
  write_scores(scores_of(spec.vocabulary), metadata);
  return {};
}

Status write_wordpiece(const TokenizerSpec& spec, Metadata& metadata) {
  const bool bert = spec.normalizer.size() == 1 && spec.normalizer[0].kind == Kind::bert &&
                    spec.normalizer[0].clean_text && spec.normalizer[0].chinese_chars &&
                    spec.pre_tokenizer.size() == 1 && spec.pre_tokenizer[0].kind == PreKind::bert;
  if (!bert) return fail("GGUF cannot describe this WordPiece tokenizer", where, "BERT's normalizer and pre-tokenizer");
  metadata.set(std::string(key::model), "bert");
  metadata.set(std::string(key::pre), "default");
  metadata.set(std::string(key::lowercase), spec.normalizer[0].lower);
  metadata.set(std::string(key::strip_accents), spec.normalizer[0].accents);
  return {};
}

}  // namespace

Status write_tokenizer_metadata(const TokenizerSpec& spec, Metadata& metadata) {
  switch (spec.kind) {
    case SubwordKind::byte_bpe:
      SW_TRY(write_byte_bpe(spec, metadata));
      break;
    case SubwordKind::char_bpe:
      SW_TRY(write_sentencepiece(spec, metadata));
      break;
    case SubwordKind::unigram:
      SW_TRY(write_unigram(spec, metadata));
      break;
    case SubwordKind::wordpiece:
      SW_TRY(write_wordpiece(spec, metadata));
      break;
  }
  write_tokens(spec, metadata);
  write_added_tokens(spec, metadata);
  return write_special_tokens(spec, metadata);
}

}  // namespace sw
