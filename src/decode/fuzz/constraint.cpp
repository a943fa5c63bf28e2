// Compiles hostile constraints and walks them with hostile text. The first byte chooses: a regular expression, one
// inside a JSON string, or a JSON schema; the rest is the constraint, a NUL, and the text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "decode/grammar.hpp"
#include "decode/grammar_automaton.hpp"
#include "decode/json_schema_expression.hpp"
#include "decode/regex_expression.hpp"

namespace {

sw::Result<std::vector<sw::Expression>> rules_of(std::uint8_t kind, std::string_view constraint) {
  if (kind % 3 < 2) {
    auto expression = sw::parse_regex(constraint, kind % 3 == 0 ? sw::RegexText::plain : sw::RegexText::json_string);
    if (!expression) return std::unexpected(expression.error());
    return std::vector{std::move(*expression)};
  }
  const auto schema = nlohmann::ordered_json::parse(constraint, nullptr, false);
  if (schema.is_discarded()) return sw::fail("is not JSON");
  return sw::json_schema_rules(schema);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto end = all.find('\0', 1);
  const std::string_view constraint = all.substr(1, end == std::string_view::npos ? end : end - 1);
  const std::string_view text = end == std::string_view::npos ? std::string_view() : all.substr(end + 1);
  const auto rules = rules_of(data[0], constraint);
  if (!rules) return 0;
  auto grammar = sw::Grammar::compile(*rules);
  if (!grammar || grammar->n_nodes() > 4096) return 0;
  sw::GrammarAutomaton automaton(std::make_shared<const sw::Grammar>(std::move(*grammar)));
  if (automaton.begin() == sw::GrammarAutomaton::dead) std::abort();  // a text that matches was promised
  auto state = automaton.begin();
  for (const char c : text.substr(0, 256)) state = automaton.step(state, static_cast<unsigned char>(c));
  // A state taken over by another automaton means the same.
  sw::GrammarAutomaton other(automaton, state);
  if (automaton.accepts(state) != other.accepts(other.begin())) std::abort();
  for (int byte = 0; byte < 256; ++byte) {
    const bool here = automaton.step(state, static_cast<unsigned char>(byte)) != sw::GrammarAutomaton::dead;
    const bool there = other.step(other.begin(), static_cast<unsigned char>(byte)) != sw::GrammarAutomaton::dead;
    if (here != there) std::abort();
  }
  return 0;
}
