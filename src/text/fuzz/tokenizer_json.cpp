// Any bytes as tokenizer.json: an Error or a tokenizer that encodes, decodes and survives a trip through GGUF metadata.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "text/tokenizer.hpp"

namespace {

constexpr std::string_view text =
    " Hello, world's 1234 \n\n  na\xC3\xAFve \xE4\xBD\xA0\xE5\xA5\xBD </s><|im_end|> \xF0\x9F\x99\x82 \xFF\x80 "
    "aaaaaaaaaaaaaaaaaaaaa";

void use(const sw::Tokenizer& tokenizer) {
  for (const bool special : {false, true}) {
    const auto ids = tokenizer.encode(text, {.add_special = special, .parse_special = special});
    if (!ids) continue;
    const auto decoded = tokenizer.decode(*ids, special);
    if (!decoded) std::abort();  // its own ids are in its vocabulary
    sw::StreamingDecoder stream(tokenizer, special);
    for (const sw::TokenId id : *ids) stream.push(id);
    stream.finish();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // The config follows the first zero byte.
  const std::size_t end = input.find('\0');
  const auto tokenizer =
      sw::Tokenizer::from_json(input.substr(0, end), end == input.npos ? std::string_view() : input.substr(end + 1));
  if (!tokenizer) return 0;
  use(**tokenizer);
  sw::Metadata metadata;
  if (!(*tokenizer)->write_metadata(metadata)) return 0;
  if (const auto again = sw::Tokenizer::from_metadata(metadata)) use(**again);
  return 0;
}
