#include "text/tokenizer.hpp"
#include "text/unicode.hpp"

namespace sw {

std::string StreamingDecoder::push(TokenId id) {
  std::string text;
  if (!keep_special_ && tokenizer_.is_special(id)) return text;
  std::string_view piece = tokenizer_.piece(id);
  if (first_ && !piece.empty()) {
    if (tokenizer_.drops_first_space_ && piece.starts_with(' ')) piece.remove_prefix(1);
    first_ = false;
  }
  pending_ += piece;
  pending_.erase(0, unicode::append_lossy(pending_, false, text));
  return text;
}

std::string StreamingDecoder::finish() {
  std::string text;
  unicode::append_lossy(pending_, true, text);
  pending_.clear();
  first_ = true;
  return text;
}

}  // namespace sw
