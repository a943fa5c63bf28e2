#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "byte_tokenizer.hpp"
#include "decode/grammar.hpp"
#include "decode/grammar_automaton.hpp"
#include "decode/grammar_constraint.hpp"
#include "decode/json_schema_expression.hpp"
#include "decode/regex_expression.hpp"

namespace sw {
namespace {

using test::ByteTokenizer;

std::shared_ptr<const Grammar> compiled(const std::vector<Expression>& rules) {
  auto grammar = Grammar::compile(rules);
  if (!grammar) throw std::runtime_error(grammar.error().message());
  return std::make_shared<const Grammar>(std::move(*grammar));
}

std::shared_ptr<const Grammar> regex_grammar(const std::string& pattern) {
  auto expression = parse_regex(pattern);
  if (!expression) throw std::runtime_error(expression.error().message());
  return compiled({*expression});
}

std::shared_ptr<const Grammar> schema_grammar(const std::string& schema) {
  auto rules = json_schema_rules(nlohmann::ordered_json::parse(schema));
  if (!rules) throw std::runtime_error(rules.error().message());
  return compiled(*rules);
}

std::string schema_error(const std::string& schema) {
  auto rules = json_schema_rules(nlohmann::ordered_json::parse(schema));
  if (!rules) return rules.error().message();
  auto grammar = Grammar::compile(*rules);
  return grammar ? "" : grammar.error().message();
}

bool matches(const std::shared_ptr<const Grammar>& grammar, const std::string& text) {
  GrammarAutomaton automaton(grammar);
  auto state = automaton.begin();
  for (char c : text) state = automaton.step(state, static_cast<unsigned char>(c));
  return automaton.accepts(state);
}

std::shared_ptr<GrammarMasks> masks_of(std::shared_ptr<const Grammar> grammar, const std::vector<std::string>& pieces) {
  auto tokenizer = std::make_shared<ByteTokenizer>(pieces);
  auto trie = std::make_shared<TokenTrie>(*tokenizer);
  return std::make_shared<GrammarMasks>(std::move(grammar), tokenizer, trie);
}

std::vector<TokenId> tokens_in(std::span<const std::uint64_t> mask) {
  std::vector<TokenId> tokens;
  for (std::size_t i = 0; i < mask.size() * 64; ++i)
    if (mask[i / 64] >> (i % 64) & 1) tokens.push_back(static_cast<TokenId>(i));
  return tokens;
}

/// A text drawn token by token from what is allowed; the end is preferred once `n` tokens are there.
std::string drawn(GrammarConstraint& constraint, const ByteTokenizer& tokenizer, std::mt19937& random, int n) {
  std::string text;
  for (int i = 0; i < 4000; ++i) {
    const auto allowed = tokens_in(constraint.allowed());
    if (allowed.empty()) return text + "<dead end>";
    TokenId token = allowed[random() % allowed.size()];
    const bool may_end = std::find(allowed.begin(), allowed.end(), ByteTokenizer::end) != allowed.end();
    if (may_end && i >= n) token = ByteTokenizer::end;
    // Closing characters first, so that nested documents end.
    for (const TokenId close : {'"', '}', ']', '@', '0'})
      if (i >= n && !may_end && std::find(allowed.begin(), allowed.end(), close) != allowed.end()) {
        token = close;
        break;
      }
    constraint.accept(token);
    if (token == ByteTokenizer::end) return text;
    text += tokenizer.piece(token);
  }
  return text + "<no end>";
}

TEST(Regex, AcceptsWhatTheStandardLibrarysRegexAccepts) {
  const std::vector<std::string> patterns = {"a*b+c?",
                                             "(ab|a)(bc|c)?",
                                             "[a-c]{2,4}",
                                             "(a|b)*abb",
                                             "a{3}",
                                             "[^ab]c*",
                                             "(a(b(c)?)?)?",
                                             "\\d+(\\.\\d+)?",
                                             "\\w+@\\w+",
                                             "x{0}a",
                                             "(?:ab){1,}c",
                                             "a|b|",
                                             ".b.",
                                             "[\\]\\-a]+",
                                             "\\x61\\u0062",
                                             "(a*)*b",
                                             "(a|aa)+$",
                                             "^ab$|^c",
                                             "[0-9a-fA-F]{2}:",
                                             "a+?b*?",
                                             "\\s?a\\S",
                                             "((a|b)(c|a)){2,3}"};
  std::mt19937 random(1);
  for (const std::string& pattern : patterns) {
    const auto grammar = regex_grammar(pattern);
    const std::regex reference(pattern, std::regex::ECMAScript);
    const std::string alphabet = "aabbcc012@.:- ]fAx\n";
    for (int i = 0; i < 400; ++i) {
      std::string text;
      for (std::size_t n = random() % 8; n > 0; --n) text += alphabet[random() % alphabet.size()];
      ASSERT_EQ(matches(grammar, text), std::regex_match(text, reference)) << pattern << " on '" << text << "'";
    }
    auto masks = masks_of(grammar, {"ab", "abc", "bb", "12"});
    const ByteTokenizer tokenizer({"ab", "abc", "bb", "12"});
    for (int i = 0; i < 20; ++i) {
      GrammarConstraint constraint(masks);
      const std::string text = drawn(constraint, tokenizer, random, 5);
      // The reference knows bytes only.
      if (std::all_of(text.begin(), text.end(), [](char c) { return c > 0; })) {
        ASSERT_TRUE(std::regex_match(text, reference)) << pattern << " drew '" << text << "'";
      }
    }
  }
}

TEST(Regex, ReadsUtf8CharacterByCharacter) {
  EXPECT_TRUE(matches(regex_grammar("[à-ü]{2}"), "éö"));
  EXPECT_FALSE(matches(regex_grammar("[à-ü]{2}"), "é"));
  EXPECT_TRUE(matches(regex_grammar("."), "😀"));
  EXPECT_FALSE(matches(regex_grammar("."), "\xF0\x9F\x98"));
  EXPECT_FALSE(matches(regex_grammar("."), "\xED\xA0\x80"));  // a surrogate
  EXPECT_FALSE(matches(regex_grammar("."), "\xC0\x80"));      // overlong
  EXPECT_TRUE(matches(regex_grammar("[^a]"), "\xF4\x8F\xBF\xBF"));
  EXPECT_FALSE(matches(regex_grammar("[^a]"), "\xF4\x90\x80\x80"));  // beyond U+10FFFF
}

TEST(Regex, EveryCodePointOfASetAndNoOtherHasABytePath) {
  const CodePoints set = {{0x7E, 0x81}, {0x7FE, 0x802}, {0xD7FD, 0xE002}, {0xFFFE, 0x10003}, {0x10FFFE, 0x10FFFF}};
  const auto grammar = compiled({utf8(set)});
  const auto encode = [](std::uint32_t c) {  // RFC 3629, section 3
    std::string out;
    if (c < 0x80) return std::string(1, static_cast<char>(c));
    if (c < 0x800) {
      out += static_cast<char>(0xC0 | c >> 6);
    } else {
      if (c < 0x10000) {
        out += static_cast<char>(0xE0 | c >> 12);
      } else {
        out += static_cast<char>(0xF0 | c >> 18);
        out += static_cast<char>(0x80 | (c >> 12 & 63));
      }
      out += static_cast<char>(0x80 | (c >> 6 & 63));
    }
    return out + static_cast<char>(0x80 | (c & 63));
  };
  for (std::uint32_t c = 1; c <= 0x10FFFF; c += c < 0x11000 ? 1 : 257) {
    const bool in_set =
        std::any_of(set.begin(), set.end(), [c](auto range) { return range.first <= c && c <= range.second; });
    ASSERT_EQ(matches(grammar, encode(c)), in_set && !(c >= 0xD800 && c <= 0xDFFF)) << c;
  }
  EXPECT_TRUE(matches(grammar, encode(0x10FFFF)));
}

TEST(Regex, WhatNoAutomatonCanDoIsAnError) {
  for (const char* pattern : {"(a)\\1", "(?=a)b", "\\bword", "a(", "a)", "[a", "a{2", "*a", "a**", "[z-a]", "a{99999}",
                              "\\", "\\u12", "a^b", "(?i)a", "[\\d-z]", "\xC3"})
    EXPECT_FALSE(parse_regex(pattern).has_value()) << pattern;
}

TEST(JsonSchema, AllowsTheDocumentsOfTheSchemaAndNoOthers) {
  struct Case {
    const char* schema;
    std::vector<const char*> valid, invalid;
  };
  const std::vector<Case> cases = {
      {R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a","b"]})",
       {R"({"a":1,"b":"x"})", R"({"a": -7, "b": "é\n"})", "{\n  \"a\": 1,\n  \"b\": \"\"\n}"},
       {R"({"a":1})", R"({"a":1.5,"b":"x"})", R"({"a":01,"b":"x"})", R"({"a":1,"b":"x","c":1})", R"({"a":1,"b":"x")",
        R"({"a":1,"b":"x"}})"}},
      {R"({"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"},"c":{"type":"null"}},"required":["b"]})",
       {R"({"b":null})", R"({"a":null,"b":null})", R"({"b":null,"c":null})", R"({"a":null,"b":null,"c":null})"},
       {R"({})", R"({"a":null})", R"({,"b":null})", R"({"a":null"b":null})", R"({"b":null,})"}},
      {R"({"properties":{"a":{"const":1},"b":{"const":2}}})",
       {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"},
       {R"({"b":2,"a":1})", R"({"a":2})"}},
      {R"({"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3})",
       {"[true]", "[true,false]", "[true, false, true]"},
       {"[]", "[true,]", "[true,false,true,true]", "[1]"}},
      {R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false,"minItems":1})",
       {"[1]", R"([1,"a"])"},
       {"[]", R"(["a"])", R"([1,"a",2])"}},
      {R"({"type":"array","prefixItems":[{"type":"integer"}],"items":{"type":"null"},"maxItems":3})",
       {"[]", "[1]", "[1,null]", "[1,null,null]"},
       {"[null]", "[1,null,null,null]"}},
      {R"({"enum":["red","green",3,null,{"a":[1]}]})",
       {"\"red\"", "3", "null", R"({"a":[1]})"},
       {"\"blue\"", "\"re\"", "4"}},
      {R"({"type":["integer","null"],"minimum":3})", {"3", "null", "12"}, {"2", "nul", "3.0"}},
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {"\"ab\"", "\"äöü\"", R"("a\"b")", R"("\u00e9x")"},
       {"\"a\"", "\"abcd\"", "\"a\n\""}},
      {R"({"type":"string","pattern":"^[a-z]+\"?$"})", {"\"abc\"", R"("abc\"")"}, {"\"\"", "\"ab1\"", "\"abc\"\""}},
      {R"({"type":"string","pattern":"b"})", {"\"b\"", "\"abc\""}, {"\"ac\""}},
      {R"({"type":"string","format":"date"})", {"\"2024-02-28\""}, {"\"2024-13-01\"", "\"24-01-01\""}},
      {R"({"anyOf":[{"type":"integer"},{"type":"array","items":{"type":"integer"}}]})",
       {"5", "[5,6]"},
       {"\"5\"", "[[5]]"}},
      {R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"value":{"type":"integer"},"children":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["value"]}}})",
       {R"({"value":1})", R"({"value":1,"children":[{"value":2,"children":[{"value":3}]},{"value":4}]})"},
       {R"({"children":[]})", R"({"value":1,"children":[{}]})", R"({"value":1,"children":[{"value":2}})"}},
      {R"({"type":"object","additionalProperties":{"type":"integer"}})", {"{}", R"({"x":1,"y":2})"}, {R"({"x":"1"})"}},
      {R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"null"}},"required":["b"]}]})",
       {R"({"a":1,"b":null})"},
       {R"({"a":1})", R"({"b":null})"}},
      {"true", {"1", "\"x\"", "[1,{\"a\":[]}]", "-0.5e-3", "{}"}, {"[1,]", "{a:1}", "01", "", ".5", "+1"}},
      {R"({"type":"object"})", {"{}", R"({"a":{"b":[true]}})"}, {"[]", R"({"a"})"}},
      {R"({"type":"number"})", {"1", "-1.25", "6.02e23"}, {"1.", "--1", "NaN"}}};
  for (const Case& c : cases) {
    const auto grammar = schema_grammar(c.schema);
    for (const char* text : c.valid) EXPECT_TRUE(matches(grammar, text)) << c.schema << "\n" << text;
    for (const char* text : c.invalid) EXPECT_FALSE(matches(grammar, text)) << c.schema << "\n" << text;
  }
}

TEST(JsonSchema, IntegersKeepTheirBounds) {
  const std::vector<std::pair<int, int>> ranges = {{0, 0},     {-5, 7},    {3, 4},    {10, 99},   {7, 1234},
                                                   {-120, -9}, {-1, 1000}, {95, 105}, {-30, 1999}};
  for (const auto& [low, high] : ranges) {
    const auto grammar = schema_grammar(R"({"type":"integer","minimum":)" + std::to_string(low) +
                                        R"(,"exclusiveMaximum":)" + std::to_string(high + 1) + "}");
    for (int i = -2100; i <= 2100; ++i)
      ASSERT_EQ(matches(grammar, std::to_string(i)), low <= i && i <= high) << low << " " << high << " " << i;
  }
}

TEST(JsonSchema, WhatWouldBePassedOverIsAnErrorThatNamesIt) {
  EXPECT_NE(schema_error(R"({"type":"array","uniqueItems":true})").find("uniqueItems"), std::string::npos);
  EXPECT_NE(schema_error(R"({"not":{"type":"null"}})").find("not"), std::string::npos);
  EXPECT_NE(schema_error(R"({"type":"number","multipleOf":3})").find("multipleOf"), std::string::npos);
  EXPECT_NE(schema_error(R"({"type":"strin"})").find("strin"), std::string::npos);
  EXPECT_NE(schema_error(R"({"$ref":"#/$defs/x"})").find("#/$defs/x"), std::string::npos);
  EXPECT_NE(schema_error(R"({"$ref":"http://example.org/x"})"), "");
}

TEST(JsonSchema, OneThatNoFiniteDocumentSatisfiesIsAnError) {
  EXPECT_NE(schema_error(R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})"), "");
  EXPECT_NE(schema_error("false"), "");
}

TEST(JsonSchema, OneThatRefersToItselfAtOnceIsAnError) {
  EXPECT_NE(schema_error(R"({"$ref":"#"})"), "");
  EXPECT_NE(schema_error(R"({"anyOf":[{"type":"null"},{"$ref":"#"}]})"), "");
}

TEST(JsonSchema, WhatIsDrawnIsAlwaysADocument) {
  const std::vector<std::string> pieces = {"{\"",  "\":", "\": \"", "\",", "[[",   "]]",
                                           "null", "tru", "12",     "é",   "\\u00"};
  const ByteTokenizer tokenizer(pieces);
  std::mt19937 random(7);
  for (
      const char* schema :
      {"true", R"({"type":"object"})",
       R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"tags":{"type":"array","items":{"type":"string"}}},"required":["name","age"]})"}) {
    auto masks = masks_of(schema_grammar(schema), pieces);
    for (int i = 0; i < 60; ++i) {
      GrammarConstraint constraint(masks);
      const std::string text = drawn(constraint, tokenizer, random, 40);
      EXPECT_TRUE(nlohmann::json::accept(text)) << schema << "\n" << text;
    }
  }
}

TEST(Constraint, AllowsATokenExactlyWhenItsBytesCanContinueToAMatch) {
  const std::vector<std::string> pieces = {"tr", "true", "truer", "fal", "se", "e\"", "nul", "[tr", "\x80"};
  const auto grammar = schema_grammar(R"({"enum":[true,false]})");
  GrammarConstraint constraint(masks_of(grammar, pieces));
  const ByteTokenizer tokenizer(pieces);
  const auto names = [&] {
    std::vector<std::string> out;
    for (TokenId id : tokens_in(constraint.allowed())) out.emplace_back(tokenizer.piece(id));
    return out;
  };
  EXPECT_EQ(names(), (std::vector<std::string>{"f", "t", "tr", "true", "fal"}));
  constraint.accept(*tokenizer.find("fal"));
  EXPECT_EQ(names(), (std::vector<std::string>{"s", "se"}));
  constraint.accept(*tokenizer.find("se"));
  EXPECT_EQ(names(), (std::vector<std::string>{"<end>"}));
  auto again = constraint.fresh();
  EXPECT_EQ(tokens_in(again->allowed()).size(), 5u);
  again->accept('x');
  EXPECT_TRUE(tokens_in(again->allowed()).empty());
}

TEST(Constraint, ContinuesWhereItWasWhenItsCacheIsLeftBehind) {
  const auto grammar = schema_grammar("true");
  auto masks = masks_of(grammar, {});
  auto state = masks->begin();
  for (char c : std::string(R"([[{"a":[1,{"b":"x)")) state = masks->after(state, static_cast<unsigned char>(c));
  GrammarMasks copy(*masks, state);
  for (char c : std::string(R"("}]}],2])")) state = masks->after(state, static_cast<unsigned char>(c));
  auto copied = copy.begin();
  for (char c : std::string(R"("}]}],2])")) copied = copy.after(copied, static_cast<unsigned char>(c));
  EXPECT_EQ(tokens_in(masks->allowed(state)), tokens_in(copy.allowed(copied)));
  EXPECT_EQ(tokens_in(copy.allowed(copied)), (std::vector<TokenId>{ByteTokenizer::end}));
}

TEST(Constraint, DeniedLogitsBecomeMinusInfinity) {
  std::vector<float> logits(130, 1.0f);
  const std::vector<std::uint64_t> allowed = {std::uint64_t{1} << 3, 0};
  EXPECT_TRUE(deny_logits(allowed, logits));
  for (std::size_t i = 0; i < logits.size(); ++i) EXPECT_EQ(std::isinf(logits[i]), i != 3);
  EXPECT_FALSE(deny_logits({}, logits));
}

TEST(Constraint, AnAmbiguousGrammarStaysBounded) {
  // Each level doubles the ways to have come here.
  auto masks = masks_of(
      schema_grammar(
          R"({"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"type":"null"},{"type":"array","items":{"$ref":"#/$defs/a"}},{"type":"array","items":{"$ref":"#/$defs/a"},"maxItems":9}]}}})"),
      {});
  auto state = masks->begin();
  for (int i = 0; i < 200; ++i) state = masks->after(state, '[');
  EXPECT_FALSE(tokens_in(masks->allowed(state)).empty());
}

}  // namespace
}  // namespace sw
