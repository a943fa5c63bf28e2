#include "small_content.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace sw::game {
namespace {

std::string list(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "\"" : ", \"") + item + '"';
  return '[' + out + ']';
}

std::string to_toml(const Entry& e) {
  std::string out = fmt::format(
      "[[concept]]\nid = \"{0}\"\nname = \"Concept {0}\"\nemoji = \"x\"\naliases = [\"alias {0}\"]\nmodule = {1}\n"
      "difficulty = {2}\nstart = {3}\nwhat = \"What {0} is.\"\nwhy = \"Concept {0} works because of {0}.\"\ncost = "
      "\"What {0} costs.\"\n"
      "when_not = \"When not {0}.\"\nfailure_modes = [\"It fails.\"]\nfigures = []\ncomplexity = \"n\"\npapers = []\n"
      "code = []\nprerequisites = []\nimproves = \"improvement by {0}\"\ncosts = \"price of {0}\"\n"
      "generalizes = \"other uses like {0}\"\nnext_bottleneck = \"limit after {0}\"\n{4}\nrecipes = [",
      e.id, e.module, e.difficulty, e.recipes.empty(), e.extra);
  for (const auto& recipe : e.recipes)
    out += fmt::format("{{ of = {}, because = \"{} works.\" }}, ", list(recipe), fmt::join(recipe, " and "));
  return out + "]\n";
}

}  // namespace

SmallContent::SmallContent(const std::vector<Entry>& entries) {
  for (int i = 0; i < n_modules; ++i)
    modules_ += fmt::format("[[module]]\nid = {}\ntitle = \"Module {}\"\ngoal = \"Learn.\"\n", i, i);
  std::map<std::string, std::string> by_category;
  for (const Entry& e : entries) by_category[e.category] += to_toml(e);
  for (const auto& [category, text] : by_category) {
    categories_ +=
        fmt::format("[[category]]\nid = \"{0}\"\nname = \"The {0}\"\nemoji = \"#\"\nwhat = \"Some.\"\n", category);
    concepts_.emplace_back("concepts/" + category + ".toml", "category = \"" + category + "\"\n" + text);
  }
}

std::vector<ContentFile> SmallContent::files() const {
  std::vector<ContentFile> out{
      {"modules.toml", modules_}, {"categories.toml", categories_},    {"misconceptions.toml", misconceptions},
      {"paths.toml", paths},      {"achievements.toml", achievements}, {"challenges.toml", challenges}};
  for (const auto& [path, text] : concepts_) out.push_back({path, text});
  return out;
}

Content SmallContent::load() const {
  auto content = parse_content(files());
  if (content) return std::move(*content);
  ADD_FAILURE() << content.error().message();
  std::abort();
}

SmallContent alphabet() {
  SmallContent content({{.id = "a", .recipes = {}},
                        {.id = "b", .recipes = {}},
                        {.id = "c", .recipes = {}},
                        {.id = "ab", .recipes = {{"a", "b"}}, .difficulty = 1},
                        {.id = "bc", .recipes = {{"b", "c"}}, .difficulty = 2, .module = 1, .category = "later"},
                        {.id = "abc",
                         .recipes = {{"ab", "c"}, {"a", "b", "c"}},
                         .difficulty = 3,
                         .module = 1,
                         .category = "later",
                         .extra = "experiment = \"lab_abc\""},
                        {.id = "top",
                         .recipes = {{"abc", "bc"}},
                         .difficulty = 5,
                         .module = 2,
                         .category = "later",
                         .extra = "summit = true"}});
  content.misconceptions =
      "[[misconception]]\npair = [\"c\", \"a\"]\ntempting = \"They look alike.\"\nwhy_not = \"They are not.\"\n"
      "missing = \"A link.\"\nsee = \"b\"\n";
  content.paths =
      "[[path]]\nid = \"short\"\nname = \"Short\"\nemoji = \"x\"\ngoal = \"Arrive.\"\nmodules = []\n"
      "[[path.chapter]]\ntitle = \"One\"\nconcepts = [\"a\", \"b\", \"ab\"]\n"
      "[[path.chapter]]\ntitle = \"Two\"\nconcepts = [\"bc\", \"abc\"]\n";
  content.challenges =
      "[[challenge]]\nconcept = \"abc\"\nquestion = \"How many?\"\nrun = [\"inspect\", \"demo\"]\nvalue = \"/n\"\n"
      "per_run = [\"bench\", \"demo\"]\nper = \"/parts/role=two/m\"\nscale = 10\nunit = \"×\"\nslack = 0.1\nseconds = "
      "1\n"
      "choices = [{ says = \"few\", below = 2 }, { says = \"some\", below = 20.0 }, { says = \"many\" }]\n"
      "because = \"It is so.\"\n"
      "[[challenge]]\nconcept = \"b\"\nquestion = \"What is n?\"\nrun = [\"inspect\", \"demo\"]\nvalue = \"/n\"\n"
      "slack = 0.05\nseconds = 1\nbecause = \"Six.\"\n";
  content.achievements =
      "[[achievement]]\nid = \"first\"\nname = \"First\"\nemoji = \"x\"\nwhat = \"Find one.\"\nkind = "
      "\"discovered\"\ncount = 1\n"
      "[[achievement]]\nid = \"later\"\nname = \"Later\"\nemoji = \"x\"\nwhat = \"Find all of later.\"\nkind = "
      "\"in_category\"\n"
      "count = 0\ncategory = \"later\"\n"
      "[[achievement]]\nid = \"tries\"\nname = \"Tries\"\nemoji = \"x\"\nwhat = \"Try thrice.\"\nkind = "
      "\"attempts\"\ncount = 3\n";
  return content;
}

ConceptIndex at(const Content& content, std::string_view id) {
  const auto found = content.find(id);
  if (found) return *found;
  ADD_FAILURE() << "no concept " << id;
  std::abort();
}

Ingredients mix(const Content& content, const std::vector<std::string>& ids) {
  std::vector<ConceptIndex> parts;
  for (const std::string& id : ids) parts.push_back(at(content, id));
  return Ingredients(parts);
}

}  // namespace sw::game
