#include "game_pages.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <map>

#include "game/achievements.hpp"
#include "game/challenge.hpp"
#include "game/graph.hpp"
#include "game/hints.hpp"
#include "game/move_json.hpp"
#include "game/quiz.hpp"
#include "game/scoring.hpp"
#include "game/statistics.hpp"

namespace sw::pages {
namespace {

using namespace game;  // NOLINT: every name here is the game's

constexpr int label_columns = 14;

std::string names(const Content& content, const Ingredients& ingredients) {
  std::string out;
  for (const ConceptIndex part : ingredients) out += (out.empty() ? "" : " + ") + content[part].name;
  return out;
}

std::string title(const TextStyle& style, const Concept& c) {
  return fmt::format("{} {}", c.emoji, style.bold(c.name));
}

std::string stars(const TextStyle& style, int difficulty) {
  std::string out;
  for (int i = 0; i < difficulty; ++i) out += "★";
  return style.graded(difficulty, out);
}

std::string plural(std::size_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

std::string date(std::int64_t at, const char* format) {
  const std::time_t time = at;
  std::tm local{};
  ::localtime_r(&time, &local);
  char text[32];
  return std::string(text, std::strftime(text, sizeof(text), format, &local));
}

std::string scope_title(const Content& content, const Scope& scope) {
  switch (scope.kind) {
    case Scope::Kind::module:
      return content.modules[scope.module].title;
    case Scope::Kind::chapter:
      return content.paths[scope.path].name + ": " + content.paths[scope.path].chapters[scope.chapter].title;
    case Scope::Kind::idea:
      return content[scope.idea].name;
    case Scope::Kind::review:
      break;
  }
  return "Review";
}

std::string check_mark(const TextStyle& style, const Content& content, const State& state, const Scope& scope) {
  if (state.passed.contains(scope)) return style.good("✓ passed");
  if (!is_open(content, state, scope)) return style.dim("not open yet");
  const auto best = state.best_check.find(scope);
  return style.warm(best == state.best_check.end() ? "open" : fmt::format("open, best {}/5", best->second));
}

struct Teller {
  const TextStyle& style;
  const Content& content;
  const State& state;

  std::string reason(const Ingredients& from) const {
    const auto made = content.by_ingredients.find(from.key());
    return made == content.by_ingredients.end() ? "" : content.recipe(made->second).because;
  }

  std::string operator()(const event::Discovered& e) const {
    const Concept& c = content[e.idea];
    std::string out = fmt::format("\n  {} {}  {}  {}\n", style.good("New!"), title(style, c),
                                  stars(style, c.difficulty), style.good(fmt::format("+{}", e.points)));
    out += style.paragraph(style.dim(names(content, e.from) + ":") + ' ' + reason(e.from), 7);
    out += style.paragraph(c.what, 7);
    return out;
  }
  std::string operator()(const event::AnotherWay& e) const {
    return fmt::format("\n  Another way to {}  {}\n", title(style, content[e.idea]),
                       style.good(fmt::format("+{}", e.points))) +
           style.paragraph(reason(e.from), 7);
  }
  std::string operator()(const event::Known& e) const {
    return style.paragraph(fmt::format("You know this one: it gives {}.", title(style, content[e.idea])), 2);
  }
  std::string operator()(const event::Misconceived& e) const {
    const Misconception& m = content.misconceptions[e.misconception];
    std::string out = fmt::format("\n  {} {}{}\n", style.warm("Tempting, but no."), names(content, m.pair),
                                  e.points > 0 ? style.good(fmt::format("  +{}", e.points)) : "");
    out += style.labelled("       You hope", m.tempting, 18);
    out += style.labelled("       But", m.why_not, 18);
    out += style.labelled("       Missing", m.missing, 18);
    if (state.knows(m.see)) out += style.labelled("       See", title(style, content[m.see]), 18);
    return out;
  }
  std::string operator()(const event::Nothing& e) const {
    std::string out = style.paragraph(fmt::format("{} gives nothing.", names(content, e.from)), 2);
    if (e.too_many) return out + style.paragraph(style.warm("But two of the three go together!"), 2);
    if (e.too_few) return out + style.paragraph(style.warm("But with a third one they would!"), 2);
    std::string rest;
    for (const auto& [idea, open] : e.open)
      rest += fmt::format("{}{}: {}", rest.empty() ? "" : ", ", content[idea].name,
                          open == 0 ? "nothing more for now" : plural(open, "find", "finds") + " within reach");
    return out + style.paragraph(style.dim(rest + "."), 2);
  }
  std::string operator()(const event::Predicted& e) const {
    if (!e.right) return style.paragraph(style.warm(fmt::format("Not {}.", content[e.idea].name)), 2);
    return style.paragraph(style.good(fmt::format("Insight! You saw it coming: {} in a row, +{}", e.streak, e.points)),
                           2);
  }
  std::string operator()(const event::Hinted& e) const {
    const Hint hint = hint_text(content, state, {e.idea, e.step});
    std::string out = fmt::format("\n  {} {}{}\n", style.warm("Hint"), style.dim(fmt::format("{} of 4", e.step)),
                                  e.cost > 0 ? style.bad(fmt::format("  −{}", e.cost)) : "");
    out += style.paragraph(hint.text, 7);
    if (e.step < scoring::hint_steps)
      out += style.paragraph(style.dim(hint.next_cost > 0 ? fmt::format("`hint` again says more, for {}.",
                                                                        plural(hint.next_cost, "point", "points"))
                                                          : "`hint` again says more, for free."),
                             7);
    return out;
  }
  std::string operator()(const event::QuizStarted& e) const {
    return fmt::format("\n  {}  {}\n", style.bold(scope_title(content, e.scope)),
                       style.dim(fmt::format("{}, answer with 1 to 4", plural(e.questions, "question", "questions"))));
  }
  std::string operator()(const event::Answered& e) const {
    const Concept& c = content[e.idea];
    if (e.right) return style.paragraph(style.good("✓ Right."), 2);
    return style.paragraph(fmt::format("{} It was {}.", style.bad("✗ No."), e.correct + 1), 2) +
           style.paragraph(style.dim(c.name + ": " + c.what), 4);
  }
  std::string operator()(const event::QuizFinished& e) const {
    const bool chapter = e.scope.kind == Scope::Kind::module || e.scope.kind == Scope::Kind::chapter;
    std::string verdict = fmt::format("{} of {} right.", e.right, e.of);
    if (chapter) verdict += e.passed ? " Passed." : " Four of five pass; try again when you like.";
    std::string out = fmt::format("\n  {}\n", e.passed ? style.good(verdict) : style.warm(verdict));
    if (e.points > 0) out += fmt::format("  {}\n", style.good(fmt::format("Chapter validated: +{}", e.points)));
    return out;
  }
  std::string operator()(const event::Measured& e) const {
    const Challenge& c = *content[e.idea].challenge;
    const std::string measured = fmt::format("Measured here: {}", style.bold(measured_text(c, e.measured)));
    const std::string verdict = e.right ? style.good("✓ As you said.")
                                : c.bands.empty()
                                    ? style.bad("✗ Not what you said.")
                                    : style.bad("✗ No:") + ' ' + c.bands[band_of(c, e.measured)].says + '.';
    std::string out =
        fmt::format("\n  {}{}\n", measured, e.points > 0 ? "  " + style.good(fmt::format("+{}", e.points)) : "");
    return out + style.paragraph(verdict, 2) + style.paragraph(c.because, 4);
  }
  std::string operator()(const event::Adopted& e) const {
    return style.paragraph(fmt::format("{} taken over. +{}", plural(e.concepts, "discovery", "discoveries"), e.points),
                           2);
  }
  std::string operator()(const event::Undone& e) const {
    return style.paragraph(e.idea ? fmt::format("Taken back: {}.", content[*e.idea].name) : "Taken back.", 2);
  }
  std::string operator()(const event::ChapterComplete& e) const {
    return style.paragraph(style.good(fmt::format("Everything in \"{}\" found!", content.modules[e.module].title)), 2);
  }
  std::string operator()(const event::LevelUp& e) const {
    return style.paragraph(style.cool(fmt::format("Level {}: {}!", e.level, scoring::level(e.level).title)), 2);
  }
  std::string operator()(const event::Achieved& e) const {
    const Achievement& a = content.achievements[e.achievement];
    return style.paragraph(fmt::format("{} {} {}", a.emoji, style.cool(a.name + ":"), style.dim(a.what)), 2);
  }
  std::string operator()(const event::Complete&) const {
    return "\n" + style.paragraph(
                      style.good("You have discovered everything there is. Now measure it: speedwins bench demo."), 2);
  }
};

/// Names in as many columns as fit.
std::string columns(const TextStyle& style, const std::vector<std::string>& items, int indent) {
  int widest = 0;
  for (const std::string& item : items) widest = std::max(widest, columns_of(item));
  const int cell = widest + 2;
  const int per_line = std::max(1, (style.width - indent + 2) / cell);
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool first = i % static_cast<std::size_t>(per_line) == 0;
    const bool last = i + 1 == items.size() || (i + 1) % static_cast<std::size_t>(per_line) == 0;
    if (first) out += std::string(static_cast<std::size_t>(indent), ' ');
    out += last ? items[i] + "\n" : padded(items[i], cell);
  }
  return out;
}

std::string shares(const TextStyle& style, std::string_view heading, const std::vector<Share>& rows) {
  std::string out = fmt::format("\n  {}\n", style.bold(heading));
  for (const Share& row : rows)
    out += fmt::format("    {} {} {:>3}/{}\n", padded(shortened(row.name, 24), 24), style.bar(row.found, row.total, 30),
                       row.found, row.total);
  return out;
}

}  // namespace

std::string welcome(const TextStyle& style, const Content& content, const State& state) {
  if (state.moves > 0)
    return fmt::format("\n  Welcome back: {} of {} discovered. {}\n", state.found.size(), content.size(),
                       style.dim("`help` lists the commands."));
  std::string out = fmt::format("\n  {}\n\n", style.bold("Speed Wins: the game"));
  out += style.paragraph(
      fmt::format(
          "Everything that makes language models fast grows out of three things you already have. Combine them, "
          "and what you find, until all {} techniques are yours.",
          content.size()),
      2);
  std::string start;
  for (const ConceptIndex idea : content.start)
    start += fmt::format("{}{} {}", start.empty() ? "" : "   ", content[idea].emoji, style.bold(content[idea].name));
  out += fmt::format("\n    {}\n\n", start);
  out += style.labelled("  Try", style.cool("linear algebra + probability"), 10);
  out += style.labelled("  Stuck?", style.cool("hint") + style.dim(" (every further one is clearer)"), 10);
  out += style.labelled("  More", style.cool("help"), 10);
  out += style.paragraph(style.dim("A few letters are enough: `lin + prob`."), 2);
  return out;
}

std::string speculation(const TextStyle& style, const Content& content, const game::Ingredients& ingredients,
                        const game::Speculation& made) {
  return fmt::format("\n  {} {}\n", style.warm("Speculation"),
                     style.bold(made.name.empty() ? names(content, ingredients) + "?" : made.name)) +
         style.paragraph(made.text, 4) +
         style.paragraph(style.dim(fmt::format("Made up by {}, and no part of the game.", made.model)), 4);
}

std::string help(const TextStyle& style) {
  struct Line {
    const char *command, *text;
  };
  constexpr Line play[] = {
      {"A + B", "combine two things; A + B + C three"},
      {"A + B = X", "predict what comes of it: right ones in a row earn more"},
      {"A + B = ?", "choose the prediction from four"},
      {"hint [X]", "help towards the easiest find, or towards X: category, what it improves, one part, all"},
      {"undo", "take the last combination back"},
      {"imagine [A + B]", "ask a model what a pair that gives nothing could become (with --sandbox MODEL)"}};
  constexpr Line look[] = {{"X, show X", "everything about something you found"},
                           {"list [CATEGORY]", "what you found"},
                           {"open", "what can still be made, and from what"},
                           {"search TEXT", "in names, aliases and explanations"},
                           {"path X", "the way to X, without giving the pairs away"},
                           {"paths [NAME]", "learning paths and how far you are"},
                           {"tree, timeline", "how it all grew"},
                           {"stats, trophies", "numbers and achievements"}};
  constexpr Line learn[] = {{"quiz", "the checks of each chapter; `quiz 3` takes that of module 3"},
                            {"quiz X", "five questions about something you found"},
                            {"measure [X]", "predict what this machine measures about X, and let it measure"},
                            {"review", "questions about what you are about to forget"},
                            {"read [NAME]", "background documents"}};
  constexpr Line keep[] = {{"save NAME", "copy this game into another slot; every move is saved anyway"},
                           {"load NAME, slots", "go on with another game; list them"},
                           {"new [NAME]", "begin a game in another slot"},
                           {"delete NAME", "throw a saved game away"},
                           {"export FILE", "write the game to a file; `import FILE` reads one"},
                           {"share", "a code of what you found; `redeem CODE NAME` begins a game with one"},
                           {"quit", "or Ctrl-D"}};
  std::string out;
  const auto part = [&](std::string_view heading, const auto& lines) {
    out += fmt::format("\n  {}\n", style.bold(heading));
    for (const Line& line : lines) out += style.labelled("    " + style.cool(line.command), line.text, 22);
  };
  part("Play", play);
  part("Look", look);
  part("Learn", learn);
  part("Keep", keep);
  out += '\n' + style.paragraph(style.dim("A few letters of a name are enough. Tab completes, the arrows choose."), 2);
  return out;
}

std::string status(const TextStyle& style, const Content& content, const State& state, std::int64_t now) {
  const scoring::Level level = scoring::level_at(state.points);
  std::string out = fmt::format("{}/{} · {} points · level {} {}", state.found.size(), content.size(), state.score(),
                                level.number, level.title);
  if (!state.complete()) out += fmt::format(" · {} within reach", state.makeable);
  if (state.tally.prediction_streak.now > 1) out += fmt::format(" · insight ×{}", state.tally.prediction_streak.now);
  if (const auto waiting = due(state, now).size()) out += fmt::format(" · {} to review", waiting);
  if (state.quiz) out += " · a question waits (quiz)";
  return style.dim(shortened(out, style.width - 1));
}

std::string events(const TextStyle& style, const Content& content, const State& state, const Events& events) {
  std::string out;
  for (const Event& event : events) out += std::visit(Teller{style, content, state}, event);
  return out;
}

std::string card(const TextStyle& style, const Content& content, const State& state, ConceptIndex idea) {
  const Concept& c = content[idea];
  const Found& found = *state.find(idea);
  std::string out = fmt::format("\n  {}  {}\n", title(style, c), stars(style, c.difficulty));
  out += "  " +
         style.dim(fmt::format("{} · module {}: {} · {}", content.categories[c.category].name, c.module,
                               content.modules[c.module].title, name(mastery(found.review)))) +
         '\n';
  if (!c.aliases.empty()) {
    std::string also;
    for (const std::string& alias : c.aliases) also += (also.empty() ? "" : ", ") + alias;
    out += style.paragraph(style.dim("also: " + also), 2);
  }
  out += '\n' + style.paragraph(c.what, 2) + '\n';
  const auto row = [&](std::string_view label, std::string_view text) {
    if (!text.empty()) out += style.labelled("  " + style.cool(label), text, label_columns);
  };
  row("Why", c.why);
  row("Cost", c.cost);
  row("Not when", c.when_not);
  for (std::size_t i = 0; i < c.failure_modes.size(); ++i) row(i == 0 ? "Fails by" : "", c.failure_modes[i]);
  row("Complexity", c.complexity);
  for (std::size_t i = 0; i < c.figures.size(); ++i)
    row(i == 0 ? "Figures" : "", fmt::format("{} {}", c.figures[i].value, style.dim("(" + c.figures[i].source + ")")));
  row("Elsewhere", c.generalizes);
  row("Next limit", c.next_bottleneck);
  for (std::size_t i = 0; i < c.papers.size(); ++i)
    row(i == 0 ? "Papers" : "", fmt::format("{}, {}{}", c.papers[i].title, c.papers[i].year,
                                            c.papers[i].arxiv.empty() ? "" : ", arXiv:" + c.papers[i].arxiv));
  for (std::size_t i = 0; i < c.code.size(); ++i) row(i == 0 ? "Code" : "", c.code[i]);
  if (!c.experiment.empty()) row("Experiment", "speedwins lab " + c.experiment);
  if (c.challenge) {
    const auto taken = state.challenges.find(idea);
    row("Measure", taken == state.challenges.end()
                       ? fmt::format("`measure {}`: predict, and let this machine answer", c.name)
                       : fmt::format("{}: {}", measured_text(*c.challenge, taken->second.measured),
                                     taken->second.right ? "as you said" : "not what you said"));
  }
  if (!c.try_it.empty()) row("Try it", c.try_it);

  int hidden_ways = 0, hidden_uses = 0;
  std::string ways, uses;
  for (const Recipe& recipe : c.recipes) {
    if (state.recipes.contains(recipe.ingredients.key()))
      ways += style.paragraph(names(content, recipe.ingredients) + ": " + style.dim(recipe.because), 4);
    else
      ++hidden_ways;
  }
  for (const RecipeRef ref : content.uses[idea]) {
    const Recipe& recipe = content.recipe(ref);
    if (state.recipes.contains(recipe.ingredients.key()))
      uses += style.paragraph(names(content, recipe.ingredients) + " → " + content[ref.result].name, 4);
    else
      ++hidden_uses;
  }
  const auto more = [](int n) { return n > 0 ? fmt::format("({} still hidden)", n) : std::string("(all found)"); };
  if (!c.recipes.empty()) out += fmt::format("\n  {} {}\n", style.bold("Made by"), style.dim(more(hidden_ways))) + ways;
  if (!content.uses[idea].empty())
    out += fmt::format("\n  {} {}\n", style.bold("Used for"), style.dim(more(hidden_uses))) + uses;
  return out;
}

std::string discovered(const TextStyle& style, const Content& content, const State& state, std::string_view category) {
  std::string out;
  for (std::size_t i = 0; i < content.categories.size(); ++i) {
    const Category& c = content.categories[i];
    if (!category.empty() && c.id != category) continue;
    std::vector<std::string> items;
    int total = 0;
    for (const Concept& idea : content.concepts) total += idea.category == i;
    for (const Found& found : state.found)
      if (content[found.idea].category == i) items.push_back(content[found.idea].name);
    if (items.empty() && category.empty()) continue;
    out += fmt::format("\n  {} {}  {}\n", c.emoji, style.bold(c.name),
                       style.dim(fmt::format("{}/{}", items.size(), total)));
    out += items.empty() ? style.paragraph(style.dim("Nothing yet."), 4) : columns(style, items, 4);
  }
  return out;
}

std::string found_by_search(const TextStyle& style, const Content& content, const std::vector<ConceptIndex>& ideas) {
  if (ideas.empty()) return style.paragraph("Nothing you found fits.", 2);
  std::string out;
  for (const ConceptIndex idea : ideas) {
    const Concept& c = content[idea];
    out += fmt::format("  {}  {}\n", title(style, c), style.dim(content.categories[c.category].name));
    out += style.paragraph(shortened(c.what, 2 * style.width - 20), 5);
  }
  return out;
}

std::string open_ends(const TextStyle& style, const Content& content, const State& state) {
  const auto possible = makeable(content, state);
  if (possible.empty()) return style.paragraph("Nothing is left to discover.", 2);
  std::map<ConceptIndex, int> ends;
  std::map<std::size_t, int> by_category;
  for (const Makeable& m : possible) {
    ++by_category[content[m.idea].category];
    std::vector<bool> counted(content.size());
    for (const Recipe& recipe : content[m.idea].recipes)
      if (state.knows_all(recipe.ingredients))
        for (const ConceptIndex part : recipe.ingredients)
          if (!counted[part]) {
            counted[part] = true;
            ++ends[part];
          }
  }
  std::string out =
      fmt::format("\n  {} can be made with what you have:\n", style.bold(plural(possible.size(), "thing", "things")));
  std::vector<std::string> items;
  for (const auto& [category, n] : by_category)
    items.push_back(fmt::format("{} {}", content.categories[category].name, style.good(std::to_string(n))));
  out += columns(style, items, 4);
  out += "\n  " + style.bold("From") + '\n';
  std::vector<std::pair<int, ConceptIndex>> order;
  for (const auto& [idea, n] : ends) order.emplace_back(-n, idea);
  std::ranges::sort(order);
  items.clear();
  for (const auto& [n, idea] : order)
    items.push_back(fmt::format("{} {}", content[idea].name, style.good(std::to_string(-n))));
  return out + columns(style, items, 4);
}

std::string way(const TextStyle& style, const Content& content, const State& state, ConceptIndex target) {
  if (state.knows(target)) return style.paragraph(fmt::format("You have {}.", title(style, content[target])), 2);
  const auto steps = way_to(content, state, target);
  std::string out =
      fmt::format("\n  {} to {}\n", style.bold(plural(steps.size(), "discovery", "discoveries")), content[target].name);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Concept& c = content[steps[i]];
    out += fmt::format("    {:>2}. {}{}\n", i + 1, title(style, c),
                       state.reachable_now[steps[i]] ? "  " + style.good("within reach") : "");
  }
  return out + style.paragraph(style.dim(fmt::format("`hint {}` helps with the first step.", content[target].name)), 2);
}

std::string learning_paths(const TextStyle& style, const Content& content, const State& state) {
  std::string out = "\n";
  for (std::size_t p = 0; p < content.paths.size(); ++p) {
    const LearningPath& path = content.paths[p];
    const PathProgress done = progress_of(content, state, p);
    out += fmt::format("  {} {} {} {:>3}/{}\n", path.emoji, style.bold(padded(path.name, 24)),
                       style.bar(done.found, done.total, 20), done.found, done.total);
    out += style.paragraph(style.dim(path.goal), 5);
  }
  return out + style.paragraph(style.dim("`paths NAME` shows one, with its chapters."), 2);
}

std::string learning_path(const TextStyle& style, const Content& content, const State& state, std::size_t p) {
  const LearningPath& path = content.paths[p];
  std::string out = fmt::format("\n  {} {}\n", path.emoji, style.bold(path.name)) + style.paragraph(path.goal, 5);
  for (std::size_t i = 0; i < path.chapters.size(); ++i) {
    out += fmt::format("\n  {} {}  {}\n", i + 1, style.bold(path.chapters[i].title),
                       check_mark(style, content, state, {Scope::Kind::chapter, 0, p, i}));
    std::vector<std::string> items;
    for (const ConceptIndex idea : path.chapters[i].concepts)
      items.push_back(state.knows(idea)           ? style.good("✓ ") + content[idea].name
                      : state.reachable_now[idea] ? style.warm("• ") + style.dim(content[idea].name)
                                                  : style.dim("  " + content[idea].name));
    out += columns(style, items, 4);
  }
  return out + '\n' +
         style.paragraph(
             style.dim(fmt::format("✓ found, • within reach. `quiz {} 1` takes the first chapter's check.", path.id)),
             2);
}

std::string chapters(const TextStyle& style, const Content& content, const State& state) {
  std::string out = fmt::format("\n  {}\n", style.bold("The checks of each module: five questions, four pass"));
  for (const Module& module : content.modules) {
    const Scope scope{Scope::Kind::module, module.id};
    const auto all = concepts_of(content, scope);
    const auto known = std::ranges::count_if(all, [&](ConceptIndex idea) { return state.knows(idea); });
    out += fmt::format("    {:>2}  {} {} {:>3}/{:<3} {}\n", module.id, padded(module.title, 25),
                       style.bar(static_cast<int>(known), static_cast<int>(all.size()), 16), known, all.size(),
                       check_mark(style, content, state, scope));
  }
  return out + style.paragraph(
                   style.dim("A check opens when half of its concepts are found. `quiz 1` takes that of module 1; "
                             "learning paths have checks too (`paths`)."),
                   2);
}

std::string challenges(const TextStyle& style, const Content& content, const State& state) {
  std::string out = fmt::format("\n  {}\n", style.bold("Predict, then let this machine answer"));
  int hidden = 0;
  for (const Module& module : content.modules) {
    std::string rows;
    for (std::size_t i = 0; i < content.size(); ++i) {
      const Concept& c = content.concepts[i];
      const auto idea = static_cast<ConceptIndex>(i);
      if (c.module != module.id || !c.challenge) continue;
      if (!state.knows(idea)) {
        ++hidden;
        continue;
      }
      const auto taken = state.challenges.find(idea);
      const std::string stand = taken == state.challenges.end() ? style.warm("open")
                                : taken->second.right           ? style.good("✓ as you said")
                                                                : style.dim("not what you said");
      rows += fmt::format(
          "    {} {}{}\n", padded(shortened(c.name, 32), 32), stand,
          taken == state.challenges.end() ? "" : style.dim(": " + measured_text(*c.challenge, taken->second.measured)));
    }
    if (!rows.empty()) out += fmt::format("\n  {} {}\n", style.dim(std::to_string(module.id)), module.title) + rows;
  }
  out += '\n';
  if (hidden > 0)
    out += style.paragraph(
        style.dim(fmt::format("{} for what is still to be found.", plural(hidden, "more waits", "more wait"))), 2);
  return out + style.paragraph(style.dim("`measure NAME` asks its question; `measure NAME = 2` answers at once."), 2);
}

std::string challenge(const TextStyle& style, const Content& content, const State& state, ConceptIndex idea) {
  const Concept& concept_ = content[idea];
  const Challenge& c = *concept_.challenge;
  std::string out = fmt::format("\n  {} {}\n", style.warm("Measure"), style.bold(concept_.name));
  out += style.paragraph(c.question, 2) + '\n';
  for (std::size_t i = 0; i < c.bands.size(); ++i)
    out += style.labelled(fmt::format("    {} ", style.cool(std::to_string(i + 1))), c.bands[i].says, 7);
  out += style.paragraph(c.bands.empty()
                             ? fmt::format("Type your number{}.", c.unit.empty() ? "" : fmt::format(", in {}", c.unit))
                             : std::string("Type the number of your answer."),
                         2);
  for (const std::string& line : command_lines(c)) out += style.paragraph(style.dim(line), 4);
  if (const auto taken = state.challenges.find(idea); taken != state.challenges.end())
    out += style.paragraph(style.dim(fmt::format("Last time: {}. Only the first prediction counts.",
                                                 measured_text(c, taken->second.measured))),
                           2);
  return out;
}

std::string question(const TextStyle& style, const Content& content, const State& state) {
  const Quiz& quiz = *state.quiz;
  const Question& q = quiz.questions[quiz.index];
  std::string out = fmt::format("\n  {} {}\n\n", style.dim(fmt::format("{}/{}", quiz.index + 1, quiz.questions.size())),
                                style.bold(question_text(content, q)));
  for (int i = 0; i < n_choices; ++i)
    out += style.labelled(fmt::format("    {} ", style.cool(std::to_string(i + 1))), choice_text(content, q, i), 7);
  return out;
}

std::string statistics(const TextStyle& style, const Content& content, const State& state, std::int64_t now) {
  const Statistics s = game::statistics(content, state, now);
  const Tally& t = state.tally;
  const scoring::Level level = scoring::level_at(state.points);
  std::string out =
      fmt::format("\n  {} {}\n", style.bold(fmt::format("Level {} {}", level.number, level.title)),
                  level.next > 0 ? style.dim(fmt::format("{} of {} points", state.points, level.next)) : "");
  out += "  " + style.bar(state.points - level.points, std::max(1, level.next - level.points), 40) + '\n';
  const auto row = [&](std::string_view label, const std::string& text) {
    out += fmt::format("    {} {}\n", padded(label, 24), text);
  };
  out += '\n';
  row("Discovered", fmt::format("{} of {}", state.found.size(), content.size()));
  row("Ways found", fmt::format("{} of {}", s.ways, s.total_ways));
  row("Misconceptions met", fmt::format("{} of {}", state.misconceptions.size(), content.misconceptions.size()));
  row("Combinations tried",
      fmt::format("{}, {:.0f} % of them fruitful", t.attempts,
                  t.attempts ? 100.0 * static_cast<double>(state.recipes.size()) / t.attempts : 0.0));
  row("Predictions",
      fmt::format("{} right of {}, best streak {}", t.right_predictions, t.predictions, t.prediction_streak.best));
  row("Hints", fmt::format("{}, for {} points", t.hints, state.spent));
  row("Questions", fmt::format("{} right of {}, {} chapters passed", t.right_answers, t.answers, state.passed.size()));
  row("Measured", fmt::format("{}, {} of them as predicted", state.challenges.size(),
                              std::ranges::count_if(state.challenges, [](const auto& c) { return c.second.right; })));
  row("Memory", fmt::format("{} new, {} learning, {} known, {} mastered", s.by_mastery[0], s.by_mastery[1],
                            s.by_mastery[2], s.by_mastery[3]));
  row("Time played", duration_text(t.active_seconds));
  out += shares(style, "Categories", s.by_category);
  out += shares(style, "Difficulty", s.by_difficulty);
  return out;
}

std::string tree(const TextStyle& style, const Content& content, const State& state) {
  // A discovery hangs under the latest of its ingredients, so that the tree grows in the order of play.
  std::vector<std::vector<std::size_t>> children(state.found.size());
  std::vector<std::size_t> roots;
  for (std::size_t i = 0; i < state.found.size(); ++i) {
    std::int32_t parent = -1;
    for (const ConceptIndex part : state.found[i].from) parent = std::max(parent, state.place[part]);
    if (parent < 0)
      roots.push_back(i);
    else
      children[static_cast<std::size_t>(parent)].push_back(i);
  }
  std::string out = "\n";
  struct Branch {
    std::size_t place;
    std::string before;
    bool last, root;
  };
  std::vector<Branch> stack;
  for (auto root = roots.rbegin(); root != roots.rend(); ++root) stack.push_back({*root, "", true, true});
  while (!stack.empty()) {
    const Branch branch = stack.back();
    stack.pop_back();
    const Found& found = state.found[branch.place];
    std::string others;
    for (const ConceptIndex part : found.from)
      if (state.place[part] != -1 &&
          std::ranges::find(children[state.place[part]], branch.place) == children[state.place[part]].end())
        others += " + " + content[part].name;
    const std::string line = branch.before + (branch.root ? "" : branch.last ? "└ " : "├ ") + content[found.idea].name;
    out += "  " + shortened(line, style.width - 4) +
           style.dim(shortened(others, std::max(1, style.width - 4 - columns_of(line)))) + '\n';
    const std::string deeper = branch.before + (branch.root ? "" : branch.last ? "  " : "│ ");
    const auto& below = children[branch.place];
    for (std::size_t i = below.size(); i-- > 0;) stack.push_back({below[i], deeper, i + 1 == below.size(), false});
  }
  return out;
}

std::string timeline(const TextStyle& style, const Content& content, const State& state) {
  std::string out = "\n";
  std::string day;
  for (const Found& found : state.found) {
    if (content[found.idea].start) continue;
    if (const std::string today = date(found.at, "%A, %d %B %Y"); today != day) {
      day = today;
      out += fmt::format("  {}\n", style.bold(day));
    }
    const std::string from = names(content, found.from);
    out += fmt::format("    {}  {} {}\n", style.dim(date(found.at, "%H:%M")),
                       padded(shortened(content[found.idea].name, 30), 30),
                       style.dim(shortened(from, std::max(10, style.width - 44))));
  }
  return out == "\n" ? style.paragraph("Nothing yet.", 2) : out;
}

std::string achievements(const TextStyle& style, const Content& content, const State& state) {
  std::string out = fmt::format("\n  {} {}\n", style.bold("Achievements"),
                                style.dim(fmt::format("{} of {}", state.achieved.size(), content.achievements.size())));
  for (std::size_t i = 0; i < content.achievements.size(); ++i) {
    const Achievement& a = content.achievements[i];
    const bool reached = state.achieved.contains(i);
    const Progress p = progress(content, state, a);
    out += fmt::format("    {} {}\n", reached ? style.good("✓") : " ",
                       (reached ? style.bold(a.name) : a.name) +
                           (reached ? "" : style.dim(fmt::format("  {}/{}", std::min(p.now, p.of), p.of))));
    out += style.paragraph(style.dim(a.what), 8);
  }
  return out;
}

std::string slots(const TextStyle& style, const std::vector<SlotInfo>& slots, std::string_view current,
                  std::size_t total) {
  if (slots.empty()) return style.paragraph("No game is saved yet: the first move saves this one.", 2);
  std::string out = "\n";
  for (const SlotInfo& slot : slots)
    out += fmt::format("  {} {} {:>4}/{} found {:>6} points  {}\n", slot.slot == current ? style.good("›") : " ",
                       padded(slot.slot, 20), slot.found, total, slot.score,
                       style.dim(date(slot.saved_at, "%Y-%m-%d %H:%M")));
  return out;
}

}  // namespace sw::pages
