#include "model/synth_vocabulary.hpp"

#include <string>
#include <unordered_set>

#include <fmt/core.h>

#include "text/byte_level.hpp"

namespace sw {
namespace {

enum TokenType : std::int32_t { normal = 1, unknown = 2, control = 3, unused = 5, byte = 6 };  // gguf.TokenType

constexpr std::string_view words =
    "the of and to in is it that for was on are as with be at this have from or one had by word but not what all were "
    "we when your can said there use an each which she do how their if will up other about out many then them these so "
    "some her would make like him into time has look two more write go see number no way could people my than first "
    "water been call who oil its now find long down day did get come made may part model token speed wins fast slow "
    "cache memory layer attention weight batch latency answer question hello world because where why language";

/// The n-th of a million pronounceable three-syllable words.
std::string made_up_word(int n) {
  constexpr std::string_view consonants = "bdfghjklmnprstvwxyzc", vowels = "aeiou";
  std::string word;
  for (int syllable = 0; syllable < 3; ++syllable, n /= 100) {
    word += consonants[static_cast<std::size_t>(n % 20)];
    word += vowels[static_cast<std::size_t>(n / 20 % 5)];
  }
  return word;
}

/// Tokens under construction: some ids are fixed, the others are given out in order.
class Builder {
 public:
  explicit Builder(int vocab) : tokens_(static_cast<std::size_t>(vocab)), types_(tokens_.size(), normal) {}

  void place(std::int32_t id, std::string text, TokenType type) {
    const auto at = static_cast<std::size_t>(id);
    taken_.insert(text);
    tokens_[at] = std::move(text);
    types_[at] = type;
  }
  bool is_free(std::int32_t id) const { return tokens_[static_cast<std::size_t>(id)].empty(); }

  /// Gives the text the next free id, unless it has one.
  bool add(std::string text, TokenType type = normal) {
    if (taken_.contains(text)) return false;
    while (next_ < tokens_.size() && !tokens_[next_].empty()) ++next_;
    if (next_ == tokens_.size()) return false;
    place(static_cast<std::int32_t>(next_), std::move(text), type);
    return true;
  }
  void fill(const std::string& space) {
    while (next_ < tokens_.size() && !tokens_[next_].empty()) ++next_;
    for (int n = 0; next_ < tokens_.size() && n < 1'000'000; ++n) {
      add(space + made_up_word(n));
      while (next_ < tokens_.size() && !tokens_[next_].empty()) ++next_;
    }
  }

  void write(Metadata& metadata, bool scores) {
    if (scores) {  // SentencePiece merges the best score first: earlier tokens are better
      std::vector<float> values;
      for (std::size_t i = 0; i < tokens_.size(); ++i)
        values.push_back(types_[i] == normal ? -static_cast<float>(i) : 0);
      metadata.set("tokenizer.ggml.scores", std::move(values));
    }
    metadata.set("tokenizer.ggml.tokens", std::move(tokens_));
    metadata.set("tokenizer.ggml.token_type", std::move(types_));
  }

 private:
  std::vector<std::string> tokens_;
  std::vector<std::int32_t> types_;
  std::unordered_set<std::string> taken_;
  std::size_t next_ = 0;
};

/// Calls f(piece so far, next character) along each word, with `space` in front of it.
template <class F>
void for_each_merge(const std::string& space, F&& f) {
  for (std::size_t begin = 0; begin < words.size();) {
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    std::string piece = space;
    for (const char c : words.substr(begin, end - begin)) {
      f(piece, std::string(1, c));
      piece += c;
    }
    begin = end + 1;
  }
}

void place_specials(const ModelShape& shape, Builder& builder) {
  for (const auto& [id, text] : shape.specials)
    builder.place(id, std::string(text), text == "<unk>" ? unknown : control);
  int n = 0;
  for (std::int32_t id = shape.reserved_begin; id < shape.reserved_end; ++id)
    if (builder.is_free(id))
      builder.place(id, fmt::format("{}{}{}", shape.reserved, n++, shape.reserved.starts_with("<|") ? "|>" : ">"),
                    control);
}

void write_byte_bpe(const ModelShape& shape, int vocab, Metadata& metadata) {
  Builder builder(vocab);
  place_specials(shape, builder);
  for (int b = 0; b < 256; ++b) builder.add(byte_level::to_text(std::string(1, static_cast<char>(b))));
  std::vector<std::string> merges;
  const std::string space = byte_level::to_text(" ");
  for_each_merge(space, [&](const std::string& piece, const std::string& next) {
    if (builder.add(piece + next)) merges.push_back(piece + ' ' + next);
  });
  builder.fill(space);
  metadata.set("tokenizer.ggml.model", "gpt2");
  metadata.set("tokenizer.ggml.pre", std::string(shape.pre_tokenizer));
  builder.write(metadata, false);
  metadata.set("tokenizer.ggml.merges", std::move(merges));
}

void write_sentencepiece(const ModelShape& shape, int vocab, Metadata& metadata) {
  Builder builder(vocab);
  place_specials(shape, builder);
  for (std::int32_t b = 0; b < 256; ++b) builder.place(shape.bytes_begin + b, fmt::format("<0x{:02X}>", b), byte);
  const std::string space = "\u2581";
  for_each_merge(space, [&](const std::string& piece, const std::string& next) { builder.add(piece + next); });
  builder.add(space);
  for (char c = '!'; c <= '~'; ++c) builder.add(std::string(1, c));
  builder.fill(space);
  metadata.set("tokenizer.ggml.model", "llama");
  metadata.set("tokenizer.ggml.pre", "default");
  builder.write(metadata, true);
  metadata.set("tokenizer.ggml.unknown_token_id", std::uint32_t{shape.bytes_begin == 3 ? 0u : 3u});
  metadata.set("tokenizer.ggml.add_space_prefix", shape.add_space_prefix);
}

}  // namespace

void write_synth_vocabulary(const ModelShape& shape, int vocab, Metadata& metadata) {
  if (shape.vocabulary == ModelShape::Vocabulary::byte_bpe)
    write_byte_bpe(shape, vocab, metadata);
  else
    write_sentencepiece(shape, vocab, metadata);
  metadata.set("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(shape.bos));
  metadata.set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(shape.eos));
  metadata.set("tokenizer.ggml.add_bos_token", shape.add_bos);
  if (!shape.chat_template.empty()) metadata.set("tokenizer.chat_template", std::string(shape.chat_template));
}

}  // namespace sw
