// Masks over a vocabulary of 150,000 tokens: the first one in a state, and one that is known.
#include <benchmark/benchmark.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "../tests/byte_tokenizer.hpp"
#include "decode/grammar_constraint.hpp"
#include "decode/json_schema_expression.hpp"

namespace {

/// Words as byte-level vocabularies have them: most begin with a space, lengths around six.
const std::vector<std::string>& pieces() {
  static const std::vector<std::string> all = [] {
    std::mt19937 random(1);
    std::vector<std::string> list;
    for (int i = 0; i < 150000; ++i) {
      std::string piece = random() % 2 ? " " : "";
      for (std::size_t n = 2 + random() % 9; n > 0; --n) piece += static_cast<char>('a' + random() % 26);
      if (random() % 50 == 0) piece += "\":";
      list.push_back(std::move(piece));
    }
    return list;
  }();
  return all;
}

struct Setup {
  std::shared_ptr<sw::test::ByteTokenizer> tokenizer = std::make_shared<sw::test::ByteTokenizer>(pieces());
  std::shared_ptr<sw::TokenTrie> trie = std::make_shared<sw::TokenTrie>(*tokenizer);
  std::shared_ptr<const sw::Grammar> grammar;

  Setup() {
    auto rules = sw::json_schema_rules(nlohmann::ordered_json::parse(
        R"({"type":"object","properties":{"name":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}},"n":{"type":"integer"}},"required":["name","tags"]})"));
    grammar = std::make_shared<const sw::Grammar>(std::move(*sw::Grammar::compile(*rules)));
  }
};

const Setup& setup() {
  static const Setup once;
  return once;
}

void first_mask(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    state.PauseTiming();
    sw::GrammarMasks masks(setup().grammar, setup().tokenizer, setup().trie);
    auto position = masks.begin();
    for (const char c : text) position = masks.after(position, static_cast<unsigned char>(c));
    state.ResumeTiming();
    benchmark::DoNotOptimize(masks.allowed(position));
  }
}
BENCHMARK_CAPTURE(first_mask, at_the_beginning, std::string())->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(first_mask, inside_a_string, std::string(R"({"name":"a)"))->Unit(benchmark::kMicrosecond);

void known_mask(benchmark::State& state) {
  const auto masks = std::make_shared<sw::GrammarMasks>(setup().grammar, setup().tokenizer, setup().trie);
  sw::GrammarConstraint constraint(masks);
  for (const char c : std::string(R"({"name":"a)")) constraint.accept(static_cast<unsigned char>(c));
  std::vector<float> logits(static_cast<std::size_t>(setup().tokenizer->vocab_size()), 1.0f);
  for (auto _ : state) {
    benchmark::DoNotOptimize(sw::deny_logits(constraint.allowed(), logits));
    constraint.accept('b');
  }
}
BENCHMARK(known_mask)->Unit(benchmark::kMicrosecond);

void compile(benchmark::State& state) {
  const auto schema = nlohmann::ordered_json::parse(
      R"({"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer","minimum":3,"maximum":1000}}})");
  for (auto _ : state) benchmark::DoNotOptimize(sw::Grammar::compile(*sw::json_schema_rules(schema)));
}
BENCHMARK(compile)->Unit(benchmark::kMicrosecond);

}  // namespace
