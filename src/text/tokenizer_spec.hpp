#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "text/unicode.hpp"
#include "text/vocabulary.hpp"

namespace sw {

/// A tokenizer is a spec: what tokenizer.json and GGUF describe, in one form. Text goes through
/// added tokens → normalizer → pre-tokenizer → subword model → the tokens around a prompt.
///
/// SentencePiece marks a space as "▁" (U+2581). Where `spaces_are_marked`, the whole spec is written with plain spaces
/// instead: "▁the" is " the", in the vocabulary, the normalizer and the pre-tokenizer alike, and a "▁" in a text is a
/// space. The two forms correspond one to one, and the plain one needs no rewriting of the text.

enum class SubwordKind : std::uint8_t {
  byte_bpe,   ///< byte pair encoding over bytes (GPT-2)
  char_bpe,   ///< byte pair encoding over characters, usually with byte fallback (SentencePiece)
  unigram,    ///< most probable segmentation (Kudo 2018)
  wordpiece,  ///< greedy longest match (BERT)
};

struct Merge {
  TokenId left, right, merged;
};

struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = false;
  bool single_word = false;  ///< only between characters that are not part of a word
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space after it
  bool normalized = false;   ///< looked for in the normalized text
};

struct NormalizerStep {
  enum class Kind : std::uint8_t { form, lowercase, replace, prepend, strip, strip_accents, bert, charsmap, squeeze };
  Kind kind = Kind::form;
  unicode::Form form = unicode::Form::nfc;
  std::string pattern = {},
              content = {};  ///< replace: what, by what; prepend: content; charsmap: content is the compiled map
  bool is_regex = false;
  bool left = false, right = false;                                                ///< strip
  bool clean_text = false, chinese_chars = false, lower = false, accents = false;  ///< bert
  bool add_prefix = false, remove_extra = false;                                   ///< squeeze
};

struct PreTokenizerStep {
  enum class Kind : std::uint8_t {
    regex,
    digits,
    digit_runs,
    punctuation,
    whitespace_split,
    bert,
    metaspace,
    prefix_space
  };
  enum class Behavior : std::uint8_t { removed, isolated, merged_with_previous, merged_with_next, contiguous };
  enum class Prepend : std::uint8_t { never, first, always };
  Kind kind = Kind::regex;
  Behavior behavior = Behavior::isolated;
  std::string pattern = {};          ///< regex
  bool invert = false;               ///< regex: what lies between the matches counts as the match
  Prepend prepend = Prepend::never;  ///< metaspace
  bool split = false;                ///< metaspace: before every space

  bool operator==(const PreTokenizerStep&) const = default;
};

struct TokenizerSpec {
  SubwordKind kind = SubwordKind::byte_bpe;
  Vocabulary vocabulary;
  std::vector<Merge> merges;     ///< BPE, best first
  bool merges_by_score = false;  ///< char_bpe: any two pieces that form a token merge, the best score first
  bool spaces_are_marked = false;
  bool byte_fallback = false;  ///< what is not in the vocabulary becomes tokens of type byte
  bool fuse_unknown = false;
  bool ignore_merges = false;  ///< a word that is a token is that token, whatever the merges say
  std::optional<TokenId> unknown;
  std::size_t max_word_chars = 100;  ///< wordpiece: a longer word is unknown

  std::vector<AddedToken> added;
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;
  std::string pre_tokenizer_name;  ///< tokenizer.ggml.pre, where it came from GGUF

  std::vector<TokenId> prefix, suffix;  ///< around a prompt
  std::optional<TokenId> bos, eos, padding, separator, mask;
  std::vector<TokenId> stop_ids;
  std::string chat_template;
  bool drops_first_space = false;  ///< decoding leaves out the space that encoding put in front
};

}  // namespace sw
