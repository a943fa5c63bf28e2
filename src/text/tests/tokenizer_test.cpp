#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "text/unicode.hpp"
#include "tokenizer_files.hpp"

namespace sw::test {
namespace {

constexpr EncodeOptions plain{.add_special = false, .parse_special = false};
const std::vector<std::string> byte_level{"gpt2", "llama3", "starcoder", "deepseek3", "deepseek_coder", "gpt4o"};

/// Every tokenizer with its name; made once.
const std::vector<std::pair<std::string, std::unique_ptr<const Tokenizer>>>& tokenizers() {
  static const auto all = [] {
    std::vector<std::pair<std::string, std::unique_ptr<const Tokenizer>>> list;
    for (const std::string& name : golden_names()) list.emplace_back(name, golden_tokenizer(name));
    return list;
  }();
  return all;
}

const Tokenizer& tokenizer(const std::string& name) {
  for (const auto& [known, t] : tokenizers()) {
    if (known == name) return *t;
  }
  throw std::out_of_range(name);
}

/// What Python's bytes.decode("utf-8", errors="replace") gives, by the definition: try every length of prefix.
std::string replaced(std::string_view bytes) {
  const auto valid = [](std::string_view s) {
    return (s.size() == 1 && static_cast<unsigned char>(s[0]) < 0x80) ||
           (s.size() > 1 && unicode::decode(s, 0).size == s.size());
  };
  const auto extendable = [&](std::string_view s) {  // some continuation makes it a character
    for (const char a : {'\x80', '\x90', '\xA0', '\x8F', '\x9F', '\xBF'}) {
      for (std::size_t more = 0; more < 3; ++more) {
        if (valid(std::string(s) + a + std::string(more, '\x80'))) return true;
      }
    }
    return false;
  };
  std::string out;
  while (!bytes.empty()) {
    std::size_t best = 0;
    for (std::size_t n = 1; n <= std::min<std::size_t>(4, bytes.size()); ++n) {
      if (valid(bytes.substr(0, n))) best = n;
    }
    if (best != 0) {
      out += bytes.substr(0, best);
    } else {
      out += "\xEF\xBF\xBD";
      best = 1;
      while (best < bytes.size() && best < 3 && extendable(bytes.substr(0, best + 1))) ++best;
      if (!extendable(bytes.substr(0, best))) best = 1;
    }
    bytes.remove_prefix(best);
  }
  return out;
}

RC_GTEST_PROP(ByteLevelBpe, DecodesToTheBytesItEncoded, (const std::string& bytes)) {
  for (const std::string& name : byte_level) {
    RC_ASSERT(tokenizer(name).decode(tokenizer(name).encode(bytes, plain).value()).value() == bytes);
  }
}

RC_GTEST_PROP(SentencePieceBpe, DecodesToTheBytesItEncoded, (const std::string& bytes)) {
  RC_PRE(bytes.find("\xE2\x96\x81") == std::string::npos);  // a literal mark is a space
  for (const char* name : {"llama2", "gemma"}) {
    RC_ASSERT(tokenizer(name).decode(tokenizer(name).encode(bytes, plain).value()).value() == bytes);
  }
}

RC_GTEST_PROP(StreamingDecoder, GivesTheTextOfTheWholeDecode, ()) {
  for (const auto& [name, t] : tokenizers()) {
    const auto ids = *rc::gen::container<std::vector<TokenId>>(rc::gen::inRange<TokenId>(0, t->vocab_size()));
    const bool keep_special = *rc::gen::arbitrary<bool>();
    StreamingDecoder stream(*t, keep_special);
    std::string text;
    for (const TokenId id : ids) {
      const std::string part = stream.push(id);
      RC_ASSERT(unicode::is_valid(part));
      text += part;
    }
    text += stream.finish();
    RC_ASSERT(text == replaced(t->decode(ids, keep_special).value()));
  }
}

TEST(StreamingDecoder, HoldsBackACharacterUntilItsLastByte) {
  const Tokenizer& t = tokenizer("llama2");
  StreamingDecoder stream(t);
  const std::string expected[] = {"", "", "", "\xF0\x9F\xA6\x99"};
  std::size_t i = 0;
  for (const char* byte : {"\xF0", "\x9F", "\xA6", "\x99"}) {
    TokenId id = 0;
    while (t.piece(id) != byte) ++id;
    EXPECT_EQ(stream.push(id), expected[i++]);
  }
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamingDecoder, ReplacesACharacterThatNeverEnds) {
  const Tokenizer& t = tokenizer("llama2");
  StreamingDecoder stream(t);
  TokenId id = 0;
  while (t.piece(id) != "\xF0") ++id;
  EXPECT_EQ(stream.push(id), "");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
}

TEST(Tokenizer, NeverTakesTheTextOfASpecialTokenForTheTokenUnlessAsked) {
  for (const auto& [name, t] : tokenizers()) {
    for (TokenId special = 0; special < t->vocab_size(); ++special) {
      if (!t->is_special(special)) continue;
      const std::string text = "a" + std::string(t->piece(special)) + "b";
      const auto ids = t->encode(text, plain).value();
      for (const TokenId id : ids) {
        EXPECT_TRUE(!t->is_special(id) || t->piece(id) == "[UNK]" || t->piece(id) == "<unk>") << name << ": " << text;
      }
      const auto parsed = t->encode(t->piece(special), {.add_special = false, .parse_special = true}).value();
      EXPECT_EQ(parsed, std::vector(1, special)) << name << ": " << t->piece(special);
    }
  }
}

TEST(Tokenizer, RefusesToDecodeAnIdOutsideTheVocabulary) {
  const Tokenizer& t = tokenizer("gpt2");
  for (const TokenId id : {-1, t.vocab_size(), INT32_MAX}) {
    const auto text = t.decode(std::vector<TokenId>(1, id));
    ASSERT_FALSE(text);
    EXPECT_NE(text.error().message().find(std::to_string(id)), std::string::npos);
  }
}

TEST(Tokenizer, FindsSpecialAndOrdinaryTokensByTheirBytes) {
  const Tokenizer& t = tokenizer("qwen2");
  ASSERT_TRUE(t.find("<|im_end|>"));
  ASSERT_EQ(t.stop_ids().size(), 2u);
  EXPECT_EQ(t.piece(t.stop_ids()[0]), "<|endoftext|>");
  EXPECT_EQ(t.piece(t.stop_ids()[1]), "<|im_end|>");
  ASSERT_TRUE(t.find(" the"));
  EXPECT_EQ(t.piece(*t.find(" the")), " the");
  EXPECT_FALSE(t.find("no such token"));
  EXPECT_EQ(t.chat_template(), "{{ messages[0].content }}");
}

TEST(Tokenizer, GivesEveryThreadTheSameIds) {
  const std::string text = read_golden("gpt2.cases.json");
  for (const auto& [name, t] : tokenizers()) {
    const auto fresh = golden_tokenizer(name);
    std::vector<std::vector<TokenId>> ids(4);
    std::vector<std::jthread> threads;
    for (auto& mine : ids) threads.emplace_back([&] { mine = fresh->encode(text).value(); });
    threads.clear();
    for (const auto& mine : ids) EXPECT_EQ(mine, t->encode(text).value());
  }
}

TEST(Tokenizer, NamesTheComponentItDoesNotSupport) {
  std::string file = read_golden("gpt2.tokenizer.json");
  const std::string_view known = R"("pre_tokenizer":{"type":"ByteLevel")";
  file.replace(file.find(known), known.size(), R"("pre_tokenizer":{"type":"Telepathy")");
  const auto result = Tokenizer::from_json(file, "");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("Telepathy"), std::string::npos);
}

TEST(Tokenizer, StopsWhereGenerationConfigSaysInJsonAndInGguf) {
  const std::string file =
      R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"<|end|>":2,"<|tool|>":3,"<|ask|>":4},"merges":[]},
          "added_tokens":[{"id":2,"content":"<|end|>","special":true},{"id":3,"content":"<|tool|>","special":true},
                          {"id":4,"content":"<|ask|>","special":true}],
          "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"}})";
  const auto of = [&](std::string_view generation_config) {
    return Tokenizer::from_json(file, "{}", generation_config).value()->stop_ids();
  };
  EXPECT_EQ(of(""), (std::vector<TokenId>{2}));
  EXPECT_EQ(of(R"({"eos_token_id": 3})"), (std::vector<TokenId>{2, 3}));
  EXPECT_EQ(of(R"({"eos_token_id": [2, 4, 3, 99, -1, "x"]})"), (std::vector<TokenId>{2, 3, 4}));
  EXPECT_FALSE(Tokenizer::from_json(file, "", "[1"));

  Metadata metadata;
  const auto tokenizer = Tokenizer::from_json(file, "{}", R"({"eos_token_id": [3, 4]})").value();
  ASSERT_TRUE(tokenizer->write_metadata(metadata));
  EXPECT_EQ(Tokenizer::from_metadata(metadata).value()->stop_ids(), (std::vector<TokenId>{2, 3, 4}));
}

TEST(Tokenizer, ReportsBrokenFilesAsErrors) {
  const std::string file = read_golden("llama2.tokenizer.json");
  for (const std::string& broken :
       {std::string(), std::string("[]"), std::string("{}"), file.substr(0, file.size() / 2),
        std::string(R"({"model":{"type":"BPE","vocab":{"a":2000000000},"merges":[]}})"),
        std::string(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}})"),
        std::string(R"({"model":{"type":"WordLevel","vocab":{"a":0}}})")}) {
    const auto result = Tokenizer::from_json(broken, "");
    ASSERT_FALSE(result) << broken.substr(0, 80);
    EXPECT_FALSE(result.error().what.empty());
  }
  EXPECT_FALSE(Tokenizer::from_metadata(Metadata()));
}

TEST(Tokenizer, TakesTimeInProportionToTheLengthOfAnyInput) {
  const std::size_t size = 1 << 20;
  std::mt19937 random(1);
  std::string noise(size, 0), marks, mixed;
  for (char& c : noise) c = static_cast<char>(random());
  while (marks.size() < size) marks += random() % 2 ? "\xCC\x81" : "\xCC\xA7";  // acute accents and cedillas
  while (mixed.size() < size) mixed += "aaaa bbbb ";
  const std::vector<std::string> inputs{std::string(size, 'a'),
                                        std::string(size, 'A'),
                                        std::string(size, ' '),
                                        std::string(size, '\n'),
                                        std::string(size, '1'),
                                        std::string(size, '-'),
                                        std::string(size, '<'),
                                        noise,
                                        marks,
                                        mixed};
  // Every kind of model, scanned pre-tokenizers and regular expressions, and a normalizer that reorders marks.
  for (const char* name : {"llama3", "qwen2", "gpt4o", "deepseek_coder", "llama2", "unigram", "wordpiece"}) {
    const Tokenizer* t = &tokenizer(name);
    for (const std::string& input : inputs) {
      const auto start = std::chrono::steady_clock::now();
      const auto ids = t->encode(input, plain);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      ASSERT_TRUE(ids) << ids.error().message();
      // Anything quadratic takes hours at this size; a busy machine and a sanitizer may take seconds.
      EXPECT_LT(seconds.count(), 60) << name << ", starting with " << static_cast<int>(input[0]);
    }
  }
}

}  // namespace
}  // namespace sw::test
