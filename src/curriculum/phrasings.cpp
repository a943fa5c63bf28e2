#include "curriculum/phrasings.hpp"

#include <algorithm>
#include <sstream>

#include <toml++/toml.h>

#include "base/file.hpp"

namespace sw::curriculum {
namespace {

Result<toml::table> read_toml(const std::filesystem::path& path) {
  SW_ASSIGN(const std::string text, read_text_file(path, 1 << 22));
  try {
    return toml::parse(text, path.string());
  } catch (const toml::parse_error& error) {
    std::ostringstream place;
    place << error.source().begin;
    return fail(std::string(error.description()), path.string() + ", " + place.str(), "TOML");
  }
}

Result<std::vector<std::string>> texts(const toml::table& table, std::string_view key, const std::string& where) {
  const toml::array* list = table[key].as_array();
  if (!list || list->empty()) return fail("there is no list '" + std::string(key) + "'", where, "a list of texts");
  std::vector<std::string> out;
  for (const toml::node& item : *list) {
    const auto text = item.value<std::string>();
    if (!text || text->empty()) return fail("'" + std::string(key) + "' has an empty item", where, "texts");
    out.push_back(*text);
  }
  return out;
}

Result<Ways> read_ways(const toml::table& table, const std::string& where) {
  Ways ways;
  SW_ASSIGN(ways.train, texts(table, "train", where));
  SW_ASSIGN(ways.test, texts(table, "test", where));
  for (const std::string& text : ways.test)
    if (std::ranges::find(ways.train, text) != ways.train.end())
      return fail("'" + text + "' is in 'train' and in 'test'", where, "what is tested is not trained");
  return ways;
}

/// All tables that hold ways, by their path: "follow_up.why".
Status read_all(const toml::table& table, const std::string& prefix, const std::string& file,
                std::map<std::string, Ways, std::less<>>& out) {
  for (const auto& [key, value] : table) {
    const auto* inner = value.as_table();
    if (!inner) continue;
    const std::string name = prefix + std::string(key.str());
    if (inner->contains("train")) {
      SW_ASSIGN(out[name], read_ways(*inner, file + ", [" + name + "]"));
    } else {
      SW_TRY(read_all(*inner, name + ".", file, out));
    }
  }
  return {};
}

}  // namespace

Result<Phrasings> read_phrasings(const std::filesystem::path& folder) {
  Phrasings out;
  SW_ASSIGN(const toml::table facts, read_toml(folder / "phrasings.toml"));
  SW_TRY(read_all(facts, "", (folder / "phrasings.toml").string(), out.facts));

  const std::string skills_file = (folder / "skills.toml").string();
  SW_ASSIGN(const toml::table skills, read_toml(skills_file));
  SW_TRY(read_all(skills, "", skills_file, out.skills));
  SW_ASSIGN(out.words, texts(skills, "words", skills_file));
  SW_ASSIGN(out.people, texts(skills, "people", skills_file));
  SW_ASSIGN(out.things, texts(skills, "things", skills_file));
  SW_ASSIGN(out.places, texts(skills, "places", skills_file));

  const std::string talk_file = (folder / "dialogues.toml").string();
  SW_ASSIGN(const toml::table talk, read_toml(talk_file));
  SW_ASSIGN(out.system_prompts, texts(talk, "system_prompts", talk_file));
  const toml::array* dialogues = talk["dialogue"].as_array();
  if (!dialogues) return fail("there is no [[dialogue]]", talk_file, "questions with their answer");
  for (const toml::node& node : *dialogues) {
    const toml::table* entry = node.as_table();
    const auto id = entry ? (*entry)["id"].value<std::string>() : std::nullopt;
    const auto answer = entry ? (*entry)["answer"].value<std::string>() : std::nullopt;
    if (!id || !answer) return fail("a [[dialogue]] without id or answer", talk_file, "id, answer, train and test");
    SW_ASSIGN(Ways ways, read_ways(*entry, talk_file + ", " + *id));
    out.dialogues.push_back({*id, *answer, std::move(ways)});
  }
  const toml::table* unknown = talk["unknown"].as_table();
  if (!unknown) return fail("there is no [unknown]", talk_file, "what the model is not to know");
  SW_ASSIGN(out.unknown_ask, texts(*unknown, "ask", talk_file + ", [unknown]"));
  SW_ASSIGN(out.unknown, read_ways(*unknown, talk_file + ", [unknown]"));
  return out;
}

std::string put(std::string text, std::string_view x, std::string_view y) {
  for (std::size_t at = 0; (at = text.find('{', at)) != std::string::npos;) {
    const std::string_view name = text.compare(at, 3, "{y}") == 0 ? y : x;
    if (text.compare(at, 3, "{x}") != 0 && text.compare(at, 3, "{y}") != 0) {
      ++at;
      continue;
    }
    text.replace(at, 3, name);
    at += name.size();
  }
  return text;
}

}  // namespace sw::curriculum
