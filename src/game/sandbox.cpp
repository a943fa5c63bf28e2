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

/// Marks that models like to put around a heading.
std::string_view without_marks(std::string_view line) {
  constexpr std::string_view marks = " #*_\"'`\r\t";
  line.remove_prefix(std::min(line.find_first_not_of(marks), line.size()));
  if (line.starts_with("Name:")) return without_marks(line.substr(5));
  return line.substr(0, line.find_last_not_of(marks) + 1);
}

/// A short first line is the name. A model that was asked for a name and gave none has still said something.
Result<Speculation> from_answer(std::string_view answer, std::string model) {
  answer.remove_prefix(std::min(answer.find_first_not_of(" \n\r\t"), answer.size()));
  const std::size_t line = std::min(answer.find('\n'), answer.size());
  const std::string_view first = without_marks(answer.substr(0, line));
  std::string text = tidy(answer.substr(line), longest_text);
  if (!text.empty() && first.size() <= longest_name)
    return Speculation{tidy(first, longest_name), std::move(text), std::move(model), false};
  text = tidy(answer, longest_text);
  if (text.empty()) return fail("the model had nothing to say", "the sandbox");
  return Speculation{"", std::move(text), std::move(model), false};
}

std::string name_of(const Content& content, const Ingredients& ingredients) {
  std::string name = "speculation";
  for (const ConceptIndex part : ingredients) name += ':' + content[part].id;
  return name;
}

Result<Speculation> read(const std::string& kept) {
  SW_ASSIGN(const auto json, parse_json(kept, "a kept speculation"));
  return Speculation{json.value("name", ""), json.value("text", ""), json.value("model", ""), true};
}

}  // namespace

bool yields_nothing(const Content& content, const Ingredients& ingredients) {
  return !content.by_ingredients.contains(ingredients.key()) &&
         !content.misconception_by_key.contains(ingredients.key());
}

Result<std::optional<Speculation>> kept_speculation(const Content& content, Store& store,
                                                    const Ingredients& ingredients) {
  SW_ASSIGN(const auto kept, store.kept(name_of(content, ingredients)));
  if (!kept) return std::nullopt;
  SW_ASSIGN(Speculation speculation, read(*kept));
  return speculation;
}

Result<Speculation> speculate(const Content& content, Store& store, const AskModel& ask,
                              const Ingredients& ingredients) {
  if (!yields_nothing(content, ingredients))
    return fail("this combination has an answer", "the sandbox", {}, "Combine it instead");
  SW_ASSIGN(auto kept, kept_speculation(content, store, ingredients));
  if (kept) return std::move(*kept);
  if (!ask) return fail("no model is asked here", "the sandbox");
  SW_ASSIGN(const Speculation answer, ask(prompt_for(content, ingredients)));
  SW_ASSIGN(const Speculation made, from_answer(answer.text, answer.model));
  const nlohmann::json json{{"name", made.name}, {"text", made.text}, {"model", made.model}};
  const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  SW_ASSIGN(const std::string first, store.keep(name_of(content, ingredients), text));
  if (first != text) return read(first);
  return made;
}

}  // namespace sw::game
