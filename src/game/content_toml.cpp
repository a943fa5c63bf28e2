#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <limits>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "game/content.hpp"
#include "game/random.hpp"

namespace sw::game {
namespace {

constexpr std::size_t most_files = 256, largest_file = 4 << 20;
constexpr std::size_t most_entries = 4096;  ///< concepts, misconceptions, … of each kind
constexpr std::size_t most_items = 256;     ///< in a list inside an entry
constexpr std::size_t longest_text = 4000;  ///< bytes

/// One table of a file, read field by field. The first thing wrong is kept; what is read after it is empty.
class Reader {
 public:
  Reader(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  std::string text(std::string_view field, bool needed = true) {
    const toml::node* node = table_.get(field);
    if (!node) {
      if (needed) wrong(fmt::format("'{}' is missing", field), "a text");
      return {};
    }
    return text_of(*node, field);
  }

  /// `fallback` where there is none.
  int number(std::string_view field, int least, int most, std::optional<int> fallback = std::nullopt) {
    const toml::node* node = table_.get(field);
    if (!node && fallback) return *fallback;
    const auto value = node ? node->value_exact<std::int64_t>() : std::nullopt;
    if (value && *value >= least && *value <= most) return static_cast<int>(*value);
    wrong(fmt::format("'{}' is {}", field, node ? "no such number" : "missing"), fmt::format("{} to {}", least, most));
    return least;
  }

  /// A number with or without decimals; `fallback` where there is none.
  double real(std::string_view field, double least, double most, std::optional<double> fallback = std::nullopt) {
    const toml::node* node = table_.get(field);
    if (!node && fallback) return *fallback;
    const auto value = node ? node->value<double>() : std::nullopt;
    if (value && *value >= least && *value <= most) return *value;
    wrong(fmt::format("'{}' is {}", field, node ? "no such number" : "missing"), fmt::format("{} to {}", least, most));
    return least;
  }

  bool flag(std::string_view field) {
    const toml::node* node = table_.get(field);
    if (node && !node->is_boolean()) wrong(fmt::format("'{}' is no boolean", field), "true or false");
    return node && node->value_or(false);
  }

  bool has(std::string_view field) const { return table_.contains(field); }

  std::vector<std::string> texts(std::string_view field, bool needed = true) {
    std::vector<std::string> out;
    for_each(field, needed, most_items, [&](const toml::node& node) { out.push_back(text_of(node, field)); });
    return out;
  }

  /// Calls `read` with a Reader for each table of the list `field`.
  template <class Read>
  void tables(std::string_view field, bool needed, std::size_t most, const Read& read) {
    std::size_t n = 0;
    for_each(field, needed, most, [&](const toml::node& node) {
      const toml::table* table = node.as_table();
      if (!table) return wrong(fmt::format("'{}' holds something else than tables", field), "a list of tables");
      Reader inner(*table, fmt::format("{}, {} {}", where_, field, ++n));
      read(inner);
      if (inner.error_ && !error_) error_ = std::move(inner.error_);
    });
  }

  void wrong(std::string what, std::string expected = {}) {
    if (!error_) error_ = Error{std::move(what), where_, std::move(expected), {}};
  }
  /// From now on errors say `where`.
  void at(std::string where) { where_ = std::move(where); }
  bool ok() const { return !error_; }
  Status status() const { return error_ ? Status(std::unexpected(*error_)) : Status(); }

 private:
  template <class Use>
  void for_each(std::string_view field, bool needed, std::size_t most, const Use& use) {
    const toml::node* node = table_.get(field);
    if (!node) {
      if (needed) wrong(fmt::format("'{}' is missing", field), "a list");
      return;
    }
    const toml::array* list = node->as_array();
    if (!list) return wrong(fmt::format("'{}' is no list", field), "a list");
    if (list->size() > most)
      return wrong(fmt::format("'{}' has {} entries", field, list->size()), fmt::format("at most {}", most));
    for (const toml::node& item : *list)
      if (ok()) use(item);
  }

  std::string text_of(const toml::node& node, std::string_view field) {
    const auto value = node.value_exact<std::string_view>();
    if (!value || value->empty() || value->size() > longest_text) {
      wrong(fmt::format("'{}' is {}", field,
                        !value           ? "no text"
                        : value->empty() ? "empty"
                                         : "too long"),
            fmt::format("a text of 1 to {} bytes", longest_text));
      return {};
    }
    // Text is shown in terminals: a control character could rewrite the screen.
    if (std::ranges::any_of(*value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
      wrong(fmt::format("'{}' holds a control character", field), "printable text on one line");
      return {};
    }
    return std::string(*value);
  }

  const toml::table& table_;
  std::string where_;
  std::optional<Error> error_;
};

bool is_id(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

struct TextField {
  const char* name;
  std::string Concept::*member;
};
constexpr TextField concept_texts[] = {{"what", &Concept::what},
                                       {"why", &Concept::why},
                                       {"cost", &Concept::cost},
                                       {"when_not", &Concept::when_not},
                                       {"complexity", &Concept::complexity},
                                       {"improves", &Concept::improves},
                                       {"costs", &Concept::costs},
                                       {"generalizes", &Concept::generalizes},
                                       {"next_bottleneck", &Concept::next_bottleneck}};

/// References by id, resolved when all concepts are known.
struct Unresolved {
  std::vector<std::string> prerequisites;
  std::vector<std::vector<std::string>> recipes;
};

struct Loader {
  Content content;
  std::vector<Unresolved> unresolved;  ///< by concept

  Status read(const ContentFile& file);
  Status resolve();

 private:
  void read_concept(Reader& in, std::size_t category, const std::string& path);
  void read_misconceptions(Reader& root);
  void read_paths(Reader& root);
  void read_achievements(Reader& root);
  void read_challenges(Reader& root);
  ConceptIndex resolve(Reader& in, const std::string& id);
  std::vector<ConceptIndex> resolve(Reader& in, const std::vector<std::string>& ids);
};

ConceptIndex Loader::resolve(Reader& in, const std::string& id) {
  const auto found = content.find(id);
  if (!found && in.ok()) in.wrong(fmt::format("there is no concept '{}'", id), "the id of a concept");
  return found.value_or(0);
}

std::vector<ConceptIndex> Loader::resolve(Reader& in, const std::vector<std::string>& ids) {
  std::vector<ConceptIndex> out;
  for (const std::string& id : ids) out.push_back(resolve(in, id));
  return out;
}

void Loader::read_concept(Reader& in, std::size_t category, const std::string& path) {
  Concept c;
  Unresolved refers;
  c.id = in.text("id");
  if (in.ok()) in.at(fmt::format("{}, {}", path, c.id));
  if (in.ok() && !is_id(c.id)) in.wrong("the id has other characters", "a-z, 0-9 and _");
  c.name = in.text("name");
  c.emoji = in.text("emoji");
  c.aliases = in.texts("aliases", false);
  c.seed_ids = in.texts("seed_ids", false);
  c.category = category;
  c.module = in.number("module", 0, n_modules - 1);
  c.difficulty = in.number("difficulty", 1, hardest);
  c.start = in.flag("start");
  c.summit = in.flag("summit");
  for (const auto& [field, member] : concept_texts) c.*member = in.text(field);
  c.failure_modes = in.texts("failure_modes");
  in.tables("figures", true, most_items, [&](Reader& figure) {
    c.figures.push_back({figure.text("value"), figure.text("source")});
  });
  in.tables("papers", true, most_items, [&](Reader& paper) {
    c.papers.push_back({paper.text("title"), paper.text("arxiv", false), paper.number("year", 1600, 2100)});
  });
  c.code = in.texts("code");
  c.experiment = in.text("experiment", false);
  c.try_it = in.text("try", false);
  refers.prerequisites = in.texts("prerequisites");
  in.tables("recipes", true, most_items, [&](Reader& recipe) {
    refers.recipes.push_back(recipe.texts("of"));
    const std::size_t n = refers.recipes.back().size();
    if (recipe.ok() && (n < 2 || n > Ingredients::most))
      recipe.wrong(fmt::format("a recipe of {} concepts", n), "2 or 3");
    c.recipes.push_back({{}, recipe.text("because")});
  });
  if (!in.ok()) return;
  if (content.size() == most_entries) return in.wrong("too many concepts", fmt::format("at most {}", most_entries));
  const auto index = static_cast<ConceptIndex>(content.size());
  if (!content.by_id.emplace(c.id, index).second) return in.wrong("the id is used twice");
  if (c.start) content.start.push_back(index);
  content.concepts.push_back(std::move(c));
  unresolved.push_back(std::move(refers));
}

void Loader::read_misconceptions(Reader& root) {
  root.tables("misconception", true, most_entries, [&](Reader& in) {
    Misconception m;
    const auto pair = resolve(in, in.texts("pair"));
    if (in.ok() && (pair.size() != 2 || pair[0] == pair[1])) in.wrong("'pair' is none", "two different ids");
    m.pair = Ingredients(pair);
    m.tempting = in.text("tempting");
    m.why_not = in.text("why_not");
    m.missing = in.text("missing");
    const std::string see = in.text("see");
    if (in.ok()) m.see = resolve(in, see);
    if (!in.ok()) return;
    content.misconception_by_key.emplace(m.pair.key(), content.misconceptions.size());
    content.misconceptions.push_back(std::move(m));
  });
}

void Loader::read_paths(Reader& root) {
  root.tables("path", true, most_items, [&](Reader& in) {
    LearningPath path{in.text("id"), in.text("name"), in.text("emoji"), in.text("goal"), in.texts("modules"), {}};
    in.tables("chapter", true, most_items, [&](Reader& chapter) {
      path.chapters.push_back({chapter.text("title"), {}});
      path.chapters.back().concepts = resolve(chapter, chapter.texts("concepts"));
      if (chapter.ok() && path.chapters.back().concepts.empty()) chapter.wrong("the chapter has no concepts");
    });
    if (std::ranges::find(content.paths, path.id, &LearningPath::id) != content.paths.end())
      in.wrong(fmt::format("two paths are called '{}'", path.id));
    if (in.ok()) content.paths.push_back(std::move(path));
  });
}

void Loader::read_achievements(Reader& root) {
  const auto place = [](Reader& in, const auto& entries, const std::string& id) -> std::optional<std::size_t> {
    const auto found = std::ranges::find(entries, id, [](const auto& entry) { return entry.id; });
    if (found == entries.end()) {
      in.wrong(fmt::format("there is no '{}'", id));
      return std::nullopt;
    }
    return static_cast<std::size_t>(found - entries.begin());
  };
  root.tables("achievement", true, most_items, [&](Reader& in) {
    Achievement a{in.text("id"),
                  in.text("name"),
                  in.text("emoji"),
                  in.text("what"),
                  Statistic::discovered,
                  in.number("count", 0, 1'000'000),
                  {},
                  {},
                  {},
                  {},
                  {}};
    const std::string kind = in.text("kind");
    const auto known = std::ranges::find(statistic_names, kind);
    if (known == std::end(statistic_names))
      in.wrong(fmt::format("there is no statistic '{}'", kind));
    else
      a.kind = static_cast<Statistic>(known - std::begin(statistic_names));
    if (in.has("category")) a.category = place(in, content.categories, in.text("category"));
    if (in.has("path")) a.path = place(in, content.paths, in.text("path"));
    if (in.has("module")) a.module = in.number("module", 0, n_modules - 1);
    if (in.has("difficulty")) a.difficulty = in.number("difficulty", 1, hardest);
    a.concepts = resolve(in, in.texts("concepts", false));
    if (in.ok()) content.achievements.push_back(std::move(a));
  });
}

/// The program that is run must be one that measures and writes nothing, whoever wrote the content.
void check_run(Reader& in, const std::vector<std::string>& run) {
  constexpr std::string_view measuring[] = {"bench", "profile", "eval", "ab", "machine", "inspect", "regress"};
  const auto is_plain = [](std::string_view argument) {
    return std::ranges::all_of(argument, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
  };
  constexpr std::string_view writing[] = {"--csv", "--html", "--trace", "--save", "--save-logits", "--resume"};
  if (!in.ok()) return;
  if (run.empty() || std::ranges::find(measuring, run.front()) == std::end(measuring))
    return in.wrong("the run is none that measures", fmt::format("{}", fmt::join(measuring, ", ")));
  for (const std::string& argument : run)
    if (!is_plain(argument) || std::ranges::find(writing, argument) != std::end(writing))
      return in.wrong(fmt::format("'{}' is no argument of a run", argument), "words and flags that write no file");
}

void Loader::read_challenges(Reader& root) {
  constexpr double infinity = std::numeric_limits<double>::infinity(), large = 1e15;
  root.tables("challenge", true, most_entries, [&](Reader& in) {
    const std::string id = in.text("concept");
    if (in.ok()) in.at(fmt::format("challenges.toml, {}", id));
    const ConceptIndex idea = resolve(in, id);
    Challenge c;
    c.question = in.text("question");
    c.because = in.text("because");
    c.unit = in.text("unit", false);
    c.value = {in.texts("run"), in.text("value")};
    check_run(in, c.value.run);
    if (in.has("per")) {
      c.per = Reading{in.has("per_run") ? in.texts("per_run") : c.value.run, in.text("per")};
      check_run(in, c.per->run);
    }
    for (const std::string& at : {c.value.at, c.per ? c.per->at : c.value.at})
      if (in.ok() && !at.starts_with('/')) in.wrong(fmt::format("'{}' is no JSON pointer", at), "\"/counts/bytes\"");
    c.scale = in.real("scale", 1e-12, 1e12, 1.0);
    c.slack = in.real("slack", 0, 1);
    c.seconds = in.number("seconds", 1, 600);
    in.tables("choices", false, most_items, [&](Reader& choice) {
      c.bands.push_back({choice.text("says"), choice.has("below") ? choice.real("below", -large, large) : infinity});
    });
    if (!in.ok()) return;
    if (c.bands.size() == 1 || (!c.bands.empty() && c.bands.back().below != infinity) ||
        !std::ranges::is_sorted(c.bands, std::ranges::less_equal(), &Band::below))
      return in.wrong("the choices do not share all numbers among them",
                      "two or more with growing 'below', and a last one without");
    if (content.concepts[idea].challenge) return in.wrong("the concept has a challenge already");
    content.concepts[idea].challenge = std::move(c);
  });
}

Status Loader::read(const ContentFile& file) {
  if (file.text.size() > largest_file)
    return fail(fmt::format("the file has {} bytes", file.text.size()), std::string(file.path),
                fmt::format("at most {}", largest_file));
  const toml::parse_result parsed = toml::parse(file.text, file.path);
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(
        std::string(error.description()),
        fmt::format("{}, line {}, column {}", file.path, error.source().begin.line, error.source().begin.column),
        "TOML");
  }
  const std::string path(file.path);
  Reader root(parsed.table(), path);
  if (path == "modules.toml") {
    root.tables("module", true, n_modules, [&](Reader& in) {
      const int id = in.number("id", 0, n_modules - 1);
      content.modules.push_back({id, in.text("title"), in.text("goal")});
      if (in.ok() && id != static_cast<int>(content.modules.size()) - 1)
        in.wrong("the ids are not in order", "0, 1, …");
    });
    if (root.ok() && content.modules.size() != n_modules) root.wrong("modules are missing", "eleven modules");
  } else if (path == "categories.toml") {
    root.tables("category", true, most_items, [&](Reader& in) {
      content.categories.push_back({in.text("id"), in.text("name"), in.text("emoji"), in.text("what")});
    });
  } else if (path == "misconceptions.toml") {
    read_misconceptions(root);
  } else if (path == "paths.toml") {
    read_paths(root);
  } else if (path == "achievements.toml") {
    read_achievements(root);
  } else if (path == "challenges.toml") {
    read_challenges(root);
  } else if (path.starts_with("concepts/")) {
    const std::string id = root.text("category");
    const auto category = std::ranges::find(content.categories, id, &Category::id);
    if (root.ok() && category == content.categories.end()) root.wrong(fmt::format("there is no category '{}'", id));
    const auto place = static_cast<std::size_t>(category - content.categories.begin());
    if (root.ok()) root.tables("concept", true, most_entries, [&](Reader& in) { read_concept(in, place, path); });
  }
  return root.status();
}

Status Loader::resolve() {
  content.uses.resize(content.size());
  const toml::table nothing;
  for (std::size_t i = 0; i < content.size(); ++i) {
    Concept& c = content.concepts[i];
    Reader in(nothing, c.id);
    c.prerequisites = resolve(in, unresolved[i].prerequisites);
    if (is_id(c.next_bottleneck)) {
      c.next = resolve(in, c.next_bottleneck);
      if (in.ok()) c.next_bottleneck = content[*c.next].name;
    }
    for (std::size_t r = 0; r < c.recipes.size(); ++r) {
      const RecipeRef ref{static_cast<ConceptIndex>(i), static_cast<std::uint16_t>(r)};
      const auto parts = resolve(in, unresolved[i].recipes[r]);
      c.recipes[r].ingredients = Ingredients(parts);
      content.by_ingredients.emplace(c.recipes[r].ingredients.key(), ref);
      if (!in.ok()) break;
      for (const ConceptIndex part : parts)
        if (content.uses[part].empty() || content.uses[part].back().result != i ||
            content.uses[part].back().recipe != r)  // a + a uses a once
          content.uses[part].push_back(ref);
    }
    SW_TRY(in.status());
  }
  return {};
}

}  // namespace

std::optional<ConceptIndex> Content::find(std::string_view id) const {
  const auto found = by_id.find(std::string(id));
  return found == by_id.end() ? std::nullopt : std::optional(found->second);
}

Result<Content> parse_content(std::span<const ContentFile> files) {
  if (files.size() > most_files)
    return fail(fmt::format("{} files", files.size()), "content", fmt::format("at most {}", most_files));
  // What refers comes after what it refers to.
  const auto turn = [](std::string_view path) {
    if (path == "modules.toml" || path == "categories.toml") return 0;
    if (path.starts_with("concepts/")) return 1;
    return path == "achievements.toml" ? 3 : 2;
  };
  std::vector<ContentFile> ordered;
  for (const ContentFile& file : files)
    if (file.path.ends_with(".toml")) ordered.push_back(file);
  std::ranges::sort(ordered, {}, [&](const ContentFile& file) { return std::pair(turn(file.path), file.path); });

  Loader loader;
  std::uint64_t hash = hash_bytes("");
  int last_turn = 0;
  for (const ContentFile& file : ordered) {
    if (turn(file.path) > 1 && last_turn <= 1) SW_TRY(loader.resolve());
    last_turn = turn(file.path);
    SW_TRY(loader.read(file));
    hash = hash_bytes(file.text, hash_bytes(file.path, hash));
  }
  if (last_turn <= 1) SW_TRY(loader.resolve());
  if (loader.content.modules.empty()) return fail("there are no modules", "modules.toml");
  if (loader.content.start.empty()) return fail("no concept has start = true", "concepts", "at least one");
  loader.content.fingerprint = fmt::format("{:016x}", hash);
  return std::move(loader.content);
}

}  // namespace sw::game
