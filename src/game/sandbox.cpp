#include "game/sandbox.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "formats/json.hpp"

namespace sw::game {
namespace {

constexpr std::size_t longest_name = 60, longest_text = 600;

/// One line without control characters, cut at a whole UTF-8 character.
std::string tidy(std::string_view text, std::size_t longest) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  out.erase(0, std::min(out.find_first_not_of(' '), out.size()));
  if (out.size() > longest) {
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
    out.resize(end);
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string prompt_for(const Content& content, const Ingredients& ingredients) {
  std::string names, facts;
  for (const ConceptIndex part : ingredients) {
    names += (names.empty() ? "" : " + ") + content[part].name;
    facts += fmt::format("- {}: {}\n", content[part].name, content[part].what);
  }
  return fmt::format(
      "These techniques for fast language models have no known combination:\n{}\nImagine that {} became a new "
      "technique. "
      "First line: its name, at most five words. Second line: one sentence on what it would do.",
      facts, names);
}

Speculation from_answer(std::string_view answer, std::string model) {
  const std::size_t begin = std::min(answer.find_first_not_of(" \n\r\t"), answer.size());
  answer.remove_prefix(begin);
  const std::size_t line = std::min(answer.find('\n'), answer.size());
  return {tidy(answer.substr(0, line), longest_name), tidy(answer.substr(line), longest_text), std::move(model), false};
}

}  // namespace

Result<Speculation> speculate(const Content& content, Store& store, const AskModel& ask,
                              const Ingredients& ingredients) {
  if (content.by_ingredients.contains(ingredients.key()) || content.misconception_by_key.contains(ingredients.key()))
    return fail("this combination has an answer", "the sandbox", "one that yields nothing", "Combine it instead");
  std::string name = "speculation";
  for (const ConceptIndex part : ingredients) name += ':' + content[part].id;
  const auto read = [](const std::string& kept) -> Result<Speculation> {
    SW_ASSIGN(const auto json, parse_json(kept, "a kept speculation"));
    return Speculation{json.value("name", ""), json.value("text", ""), json.value("model", ""), true};
  };
  SW_ASSIGN(const auto kept, store.kept(name));
  if (kept) return read(*kept);
  if (!ask) return fail("no model is served", "the sandbox", {}, "Start the server with a model");
  SW_ASSIGN(const Speculation answer, ask(prompt_for(content, ingredients)));
  const Speculation made = from_answer(answer.text, answer.model);
  const nlohmann::json json{{"name", made.name}, {"text", made.text}, {"model", made.model}};
  const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  SW_ASSIGN(const std::string first, store.keep(name, text));
  if (first != text) return read(first);
  return made;
}

}  // namespace sw::game
