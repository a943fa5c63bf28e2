#include "text/subword_tokenizer.hpp"

#include <algorithm>
#include <limits>

#include "text/text_marks.hpp"
#include "text/tokenizer_gguf.hpp"

namespace sw {
namespace {

/// Those of `places` that lie in [begin, end), counted from `begin`.
std::vector<std::size_t> within(std::span<const std::size_t> places, std::size_t begin, std::size_t end) {
  std::vector<std::size_t> out;
  for (auto at = std::ranges::lower_bound(places, begin); at != places.end() && *at < end; ++at) {
    out.push_back(*at - begin);
  }
  return out;
}

/// Where the places of `text` lie in `normalized`, which is `text` normalized; nothing where that cannot be told.
std::optional<std::vector<std::size_t>> follow(const Normalizer& normalizer, std::string_view text,
                                               std::span<const std::size_t> places, std::string_view normalized) {
  const std::optional<std::string> mark = TextMarks::unused_in({text});
  if (!mark) return std::nullopt;
  const auto marked = normalizer.apply(TextMarks::put_in(text, places, *mark));
  if (!marked) return std::nullopt;
  const TextMarks found = TextMarks::take_out(*marked, *mark);
  if (found.text != normalized || found.places.size() != places.size()) return std::nullopt;
  return found.places;
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> SubwordTokenizer::compile(TokenizerSpec spec) {
  std::unique_ptr<SubwordTokenizer> tokenizer(new SubwordTokenizer(std::move(spec)));
  SW_TRY(tokenizer->build());
  return tokenizer;
}

Status SubwordTokenizer::build() {
  pieces_ = PieceTable(spec_.vocabulary);
  SW_ASSIGN(normalizer_, Normalizer::compile(spec_.normalizer));
  SW_ASSIGN(pre_tokenizer_, PreTokenizer::compile(spec_.pre_tokenizer));
  switch (spec_.kind) {
    case SubwordKind::byte_bpe:
    case SubwordKind::char_bpe: {
      SW_ASSIGN(model_, make_bpe(spec_, pieces_));
      break;
    }
    case SubwordKind::unigram: {
      SW_ASSIGN(model_, make_unigram(spec_));
      break;
    }
    case SubwordKind::wordpiece: {
      SW_ASSIGN(model_, make_wordpiece(spec_));
      break;
    }
  }

  const auto passes = [&](bool special) -> Result<AddedPasses> {
    std::vector<AddedToken> written, normalized;
    for (AddedToken token : spec_.added) {
      if (token.special && !special) continue;
      if (token.normalized && !normalizer_.empty()) {
        SW_ASSIGN(token.content, normalizer_.apply(token.content));
        normalized.push_back(std::move(token));
      } else {
        written.push_back(std::move(token));
      }
    }
    return AddedPasses{AddedTokens(std::move(written)), AddedTokens(std::move(normalized))};
  };
  SW_ASSIGN(all_added_, passes(true));
  SW_ASSIGN(ordinary_added_, passes(false));
  std::vector<AddedToken> normalized, all = spec_.added;
  for (AddedToken token : spec_.added) {
    if (!token.special || !token.normalized || normalizer_.empty()) continue;
    normalized.push_back(token);
    SW_ASSIGN(token.content, normalizer_.apply(token.content));
    normalized.push_back(token);
    all.push_back(std::move(token));
  }
  special_texts_ = SpecialTexts(all);
  normalized_special_ = AddedTokens(std::move(normalized));

  bos_ = spec_.bos;
  eos_ = spec_.eos;
  stop_ids_ = spec_.stop_ids;
  chat_template_ = spec_.chat_template;
  drops_first_space_ = spec_.drops_first_space;
  return {};
}

Result<std::vector<TokenId>> SubwordTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > std::numeric_limits<std::int32_t>::max()) {
    return fail("the text has " + std::to_string(text.size()) + " bytes", "tokenizer", "less than 2 GiB",
                "encode it in parts");
  }
  std::vector<TokenId> ids;
  if (options.add_special) ids = spec_.prefix;
  PreTokenizer::Pieces pieces;
  const AddedTokens& added = options.parse_special ? all_added_.written : ordinary_added_.written;
  if (added.empty()) {
    SW_TRY(encode_text(text, true, options, pieces, ids));
  } else {
    for (const AddedTokens::Segment& segment : added.split(text, options.literal)) {
      if (segment.id >= 0) {
        ids.push_back(segment.id);
      } else {
        const std::vector<std::size_t> literal = within(options.literal, segment.begin, segment.end);
        SW_TRY(encode_text(text.substr(segment.begin, segment.end - segment.begin), segment.begin == 0,
                           {.parse_special = options.parse_special, .literal = literal}, pieces, ids));
      }
    }
  }
  if (options.add_special) ids.insert(ids.end(), spec_.suffix.begin(), spec_.suffix.end());
  return ids;
}

Status SubwordTokenizer::encode_text(std::string_view text, bool at_start, const EncodeOptions& options,
                                     PreTokenizer::Pieces& pieces, std::vector<TokenId>& ids) const {
  if (normalizer_.empty()) return encode_normalized(text, at_start, pieces, ids);
  SW_ASSIGN(const std::string normalized, normalizer_.apply(text));
  std::optional<std::vector<std::size_t>> literal(std::in_place);
  if (!options.literal.empty() && !normalized_special_.empty()) {
    literal = follow(normalizer_, text, options.literal, normalized);
  }
  const AddedTokens& added = options.parse_special && literal ? all_added_.normalized : ordinary_added_.normalized;
  if (added.empty()) return encode_normalized(normalized, at_start, pieces, ids);
  for (const AddedTokens::Segment& segment : added.split(normalized, literal.value_or(std::vector<std::size_t>()))) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
    } else {
      const auto part = std::string_view(normalized).substr(segment.begin, segment.end - segment.begin);
      SW_TRY(encode_normalized(part, at_start && segment.begin == 0, pieces, ids));
    }
  }
  return {};
}

Status SubwordTokenizer::encode_normalized(std::string_view text, bool at_start, PreTokenizer::Pieces& pieces,
                                           std::vector<TokenId>& ids) const {
  SW_TRY(pre_tokenizer_.split(text, at_start, pieces));
  for (const Span& span : pieces.spans) {
    if (span.end > span.begin) model_->encode(pieces.text.substr(span.begin, span.end - span.begin), ids);
  }
  return {};
}

std::string_view SubwordTokenizer::piece(TokenId id) const {
  return spec_.vocabulary.contains(id) ? spec_.vocabulary.piece(id) : std::string_view();
}

bool SubwordTokenizer::is_special(TokenId id) const {
  return spec_.vocabulary.contains(id) && spec_.vocabulary.is_special(id);
}

std::optional<TokenId> SubwordTokenizer::find(std::string_view piece) const {
  const auto added = std::ranges::find(spec_.added, piece, &AddedToken::content);
  if (added != spec_.added.end()) return added->id;
  return pieces_.find(piece);
}

Result<std::vector<std::size_t>> SubwordTokenizer::special_texts(std::string_view text) const {
  if (!normalized_special_.empty()) {
    SW_ASSIGN(const std::string normalized, normalizer_.apply(text));
    const auto specials = [&](std::string_view where) {
      return std::ranges::count_if(normalized_special_.split(where),
                                   [](const auto& segment) { return segment.id >= 0; });
    };
    if (specials(normalized) > specials(text)) {
      return fail("the text becomes a special token when it is normalized", "tokenizer", {}, "Write it another way");
    }
  }
  return special_texts_.find(text);
}

Status SubwordTokenizer::write_metadata(Metadata& metadata) const {
  return write_tokenizer_metadata(spec_, metadata);
}

}  // namespace sw
