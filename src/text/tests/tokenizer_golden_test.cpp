// Ids that Hugging Face's `tokenizers` and llama.cpp give, exactly.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.hpp"
#include "tokenizer_files.hpp"

namespace sw::test {
namespace {

using nlohmann::json;
using Ids = std::vector<TokenId>;

constexpr EncodeOptions parsed{.add_special = true, .parse_special = true};
constexpr EncodeOptions plain{.add_special = false, .parse_special = false};

/// What Hugging Face's Metaspace does with spaces at the start and a literal "▁", and white space that this charsmap
/// leaves alone (a real one maps all of it), differ from what llama.cpp does.
bool is_beyond_gguf(const std::string& name, const std::string& text) {
  const bool starts_spaced = text.starts_with(' ') || text.starts_with("▁");
  // Metaspace "first" puts a space only at the start; GGUF also behind every special token.
  if (name == "metaspace_first") return starts_spaced || text.find('<') != std::string::npos;
  return name == "unigram" && (starts_spaced || text.find("\u2028") != std::string::npos);
}

class GoldenTokenizer : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTokenizer, GivesTheIdsOfHuggingFaceTokenizers) {
  const auto tokenizer = golden_tokenizer(GetParam());
  ASSERT_NE(tokenizer, nullptr);
  const json cases = json::parse(read_golden(GetParam() + ".cases.json"));
  ASSERT_GT(cases.size(), 50u);
  for (const json& c : cases) {
    const auto text = c.at("text").get<std::string>();
    EXPECT_EQ(tokenizer->encode(text, parsed).value(), c.at("ids").get<Ids>()) << text;
    // Hugging Face's Unigram takes the text "</s>" for the token even when told not to; SentencePiece and this do not.
    if (GetParam() != "unigram" || text.find("</s>") == std::string::npos) {
      EXPECT_EQ(tokenizer->encode(text, plain).value(), c.at("plain_ids").get<Ids>()) << text;
    }
  }
}

TEST_P(GoldenTokenizer, GivesTheSameIdsAfterATripThroughGgufMetadata) {
  const auto tokenizer = golden_tokenizer(GetParam());
  ASSERT_NE(tokenizer, nullptr);
  Metadata metadata;
  const Status written = tokenizer->write_metadata(metadata);
  if (GetParam() == "gpt2_prefix") {  // llama.cpp has no name for it
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().message().find("tokenizer.ggml.pre"), std::string::npos);
    return;
  }
  ASSERT_TRUE(written) << written.error().message();
  const auto again = Tokenizer::from_metadata(metadata);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ((*again)->bos(), tokenizer->bos());
  EXPECT_EQ((*again)->eos(), tokenizer->eos());
  EXPECT_EQ((*again)->stop_ids(), tokenizer->stop_ids());
  EXPECT_EQ((*again)->chat_template(), tokenizer->chat_template());
  EXPECT_EQ((*again)->vocab_size(), tokenizer->vocab_size());
  for (TokenId id = 0; id < tokenizer->vocab_size(); ++id) {
    EXPECT_EQ((*again)->piece(id), tokenizer->piece(id)) << id;
    EXPECT_EQ((*again)->is_special(id), tokenizer->is_special(id)) << id;
  }
  for (const json& c : json::parse(read_golden(GetParam() + ".cases.json"))) {
    const auto text = c.at("text").get<std::string>();
    if (is_beyond_gguf(GetParam(), text)) continue;
    EXPECT_EQ((*again)->encode(text, parsed).value(), tokenizer->encode(text, parsed).value()) << text;
    EXPECT_EQ((*again)->encode(text, plain).value(), tokenizer->encode(text, plain).value()) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Tiny, GoldenTokenizer, testing::ValuesIn(golden_names()),
                         [](const auto& i) { return i.param; });

class SharedVocabulary : public testing::TestWithParam<std::string> {};

TEST_P(SharedVocabulary, GivesTheIdsOfLlamaCpp) {
  const auto tokenizer = shared_tokenizer(GetParam());
  if (tokenizer == nullptr) GTEST_SKIP() << "no vocabularies in " << shared_vocabularies;
  const std::string input = read_text_file(shared_vocabularies / (GetParam() + ".inp")).value();
  std::istringstream output(read_text_file(shared_vocabularies / (GetParam() + ".out")).value());
  constexpr std::string_view separator = "\n__ggml_vocab_test__\n";
  std::size_t n_cases = 0;
  for (std::size_t begin = 0; begin <= input.size(); ++n_cases) {
    const std::size_t end = std::min(input.find(separator, begin), input.size());
    const std::string text = input.substr(begin, end - begin);
    begin = end + separator.size();
    std::string line;
    std::getline(output, line);
    std::istringstream numbers(line);
    const Ids expected{std::istream_iterator<TokenId>(numbers), {}};
    EXPECT_EQ(tokenizer->encode(text, plain).value(), expected) << "case " << n_cases << ": " << text;
  }
  EXPECT_GT(n_cases, 40u);
}

INSTANTIATE_TEST_SUITE_P(LlamaCpp, SharedVocabulary,
                         testing::Values("gpt-2", "llama-spm", "phi-3", "bert-bge", "deepseek-coder", "starcoder"),
                         [](const auto& i) {
                           std::string name = i.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace sw::test
