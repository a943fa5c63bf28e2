#include "text/tokenizer.hpp"

namespace sw {

Result<std::string> Tokenizer::decode(std::span<const TokenId> ids, bool keep_special) const {
  std::string text;
  for (const TokenId id : ids) {
    if (id < 0 || id >= vocab_size()) {
      return fail("token id " + std::to_string(id) + " is not in the vocabulary", "decode",
                  "0 to " + std::to_string(vocab_size() - 1));
    }
    if (keep_special || !is_special(id)) text += piece(id);
  }
  if (drops_first_space_ && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

}  // namespace sw
