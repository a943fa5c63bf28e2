#include "text/subword_tokenizer.hpp"

#include <algorithm>
#include <limits>

#include "text/tokenizer_gguf.hpp"

namespace sw {

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
    SW_TRY(encode_text(text, true, options.parse_special, pieces, ids));
  } else {
    for (const AddedTokens::Segment& segment : added.split(text)) {
      if (segment.id >= 0) {
        ids.push_back(segment.id);
      } else {
        SW_TRY(encode_text(text.substr(segment.begin, segment.end - segment.begin), segment.begin == 0,
                           options.parse_special, pieces, ids));
      }
    }
  }
  if (options.add_special) ids.insert(ids.end(), spec_.suffix.begin(), spec_.suffix.end());
  return ids;
}

Status SubwordTokenizer::encode_text(std::string_view text, bool at_start, bool parse_special,
                                     PreTokenizer::Pieces& pieces, std::vector<TokenId>& ids) const {
  if (normalizer_.empty()) return encode_normalized(text, at_start, pieces, ids);
  SW_ASSIGN(const std::string normalized, normalizer_.apply(text));
  const AddedTokens& added = parse_special ? all_added_.normalized : ordinary_added_.normalized;
  if (added.empty()) return encode_normalized(normalized, at_start, pieces, ids);
  for (const AddedTokens::Segment& segment : added.split(normalized)) {
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

Status SubwordTokenizer::write_metadata(Metadata& metadata) const {
  return write_tokenizer_metadata(spec_, metadata);
}

}  // namespace sw
