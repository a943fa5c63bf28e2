#include "game/views.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "game/achievements.hpp"
#include "game/challenge.hpp"
#include "game/graph.hpp"
#include "game/hints.hpp"
#include "game/move_json.hpp"
#include "game/quiz.hpp"
#include "game/scoring.hpp"
#include "game/statistics.hpp"

namespace sw::game::views {
namespace {

template <class Range>
Json ids(const Content& content, const Range& ideas) {
  Json out = Json::array();
  for (const ConceptIndex idea : ideas) out.push_back(content[idea].id);
  return out;
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json misconception(const Content& content, const Misconception& m) {
  return {{"pair", ids(content, m.pair)},
          {"tempting", m.tempting},
          {"why_not", m.why_not},
          {"missing", m.missing},
          {"see", content[m.see].id}};
}

Json challenge(const Challenge& c) {
  Json choices = Json::array();
  for (const Band& band : c.bands) choices.push_back(band.says);
  return {{"question", c.question}, {"choices", choices},   {"unit", c.unit},
          {"seconds", c.seconds},   {"because", c.because}, {"commands", command_lines(c)}};
}

/// What a concept says about itself.
void add_texts(Json& out, const Content& content, const Concept& c) {
  out["aliases"] = c.aliases;
  out["what"] = c.what;
  out["why"] = c.why;
  out["cost"] = c.cost;
  out["when_not"] = c.when_not;
  out["failure_modes"] = c.failure_modes;
  out["figures"] = Json::array();
  for (const Figure& figure : c.figures) out["figures"].push_back({{"value", figure.value}, {"source", figure.source}});
  out["complexity"] = c.complexity;
  out["papers"] = Json::array();
  for (const Paper& paper : c.papers)
    out["papers"].push_back({{"title", paper.title}, {"year", paper.year}, {"arxiv", text_or_null(paper.arxiv)}});
  out["code"] = c.code;
  out["experiment"] = text_or_null(c.experiment);
  out["try"] = text_or_null(c.try_it);
  out["challenge"] = c.challenge ? challenge(*c.challenge) : Json();
  out["improves"] = c.improves;
  out["costs"] = c.costs;
  out["generalizes"] = c.generalizes;
  out["next_bottleneck"] = c.next_bottleneck;
  out["prerequisites"] = ids(content, c.prerequisites);
}

Json head(const Content& content, const Concept& c) {
  return {{"id", c.id},
          {"name", c.name},
          {"emoji", c.emoji},
          {"category", content.categories[c.category].id},
          {"difficulty", c.difficulty},
          {"module", c.module}};
}

Json full(const Content& content, const Concept& c) {
  Json out = head(content, c);
  add_texts(out, content, c);
  out["start"] = c.start;
  out["summit"] = c.summit;
  out["recipes"] = Json::array();
  for (const Recipe& recipe : c.recipes)
    out["recipes"].push_back({{"ingredients", ids(content, recipe.ingredients)}, {"why", recipe.because}});
  return out;
}

Json found(const Content& content, const State& state, const Found& f) {
  Json ways = Json::array();
  for (const Recipe& recipe : content[f.idea].recipes)
    if (state.recipes.contains(recipe.ingredients.key())) ways.push_back(ids(content, recipe.ingredients));
  return {{"id", content[f.idea].id},          {"at", f.at},         {"move", f.move},
          {"from", ids(content, f.from)},      {"points", f.points}, {"ways", ways},
          {"mastery", name(mastery(f.review))}};
}

Json level(int points) {
  const scoring::Level level = scoring::level_at(points);
  return {{"number", level.number}, {"title", level.title}, {"points", level.points}, {"next", level.next}};
}

/// How a check stands.
void add_check(Json& out, const Content& content, const State& state, const Scope& scope) {
  const auto concepts = concepts_of(content, scope);
  out["found"] = std::ranges::count_if(concepts, [&](ConceptIndex idea) { return state.knows(idea); });
  out["total"] = concepts.size();
  out["check"] = state.passed.contains(scope) ? "passed" : is_open(content, state, scope) ? "open" : "locked";
  const auto best = state.best_check.find(scope);
  out["best"] = best == state.best_check.end() ? 0 : best->second;
}

Json shares(const std::vector<Share>& shares) {
  Json out = Json::array();
  for (const Share& share : shares)
    out.push_back({{"id", share.id}, {"name", share.name}, {"found", share.found}, {"total", share.total}});
  return out;
}

/// Why this combination gives this concept.
std::string reason(const Content& content, const Ingredients& from) {
  const auto made = content.by_ingredients.find(from.key());
  return made == content.by_ingredients.end() ? std::string() : content.recipe(made->second).because;
}

struct EventWriter {
  const Content& content;
  const State& state;

  Json operator()(const event::Discovered& e) const {
    return {{"type", "discovered"},
            {"id", content[e.idea].id},
            {"from", ids(content, e.from)},
            {"why", reason(content, e.from)},
            {"points", e.points}};
  }
  Json operator()(const event::AnotherWay& e) const {
    return {{"type", "another_way"},
            {"id", content[e.idea].id},
            {"from", ids(content, e.from)},
            {"why", reason(content, e.from)},
            {"points", e.points}};
  }
  Json operator()(const event::Known& e) const {
    return {{"type", "known"}, {"id", content[e.idea].id}, {"from", ids(content, e.from)}};
  }
  Json operator()(const event::Misconceived& e) const {
    Json out{{"type", "misconception"}};
    out.update(misconception(content, content.misconceptions[e.misconception]));
    out["points"] = e.points;
    return out;
  }
  Json operator()(const event::Nothing& e) const {
    Json open = Json::object();
    for (const auto& [idea, n] : e.open) open[content[idea].id] = n;
    return {{"type", "nothing"},
            {"from", ids(content, e.from)},
            {"open", open},
            {"too_many", e.too_many},
            {"too_few", e.too_few}};
  }
  Json operator()(const event::Predicted& e) const {
    return {{"type", "prediction"},
            {"right", e.right},
            {"id", content[e.idea].id},
            {"streak", e.streak},
            {"points", e.points}};
  }
  Json operator()(const event::Hinted& e) const {
    Json out{{"type", "hint"}};
    out.update(hint(content, state, {e.idea, e.step}));
    out["cost"] = e.cost;
    return out;
  }
  Json operator()(const event::QuizStarted& e) const {
    return {{"type", "quiz_started"}, {"scope", to_text(content, e.scope)}, {"questions", e.questions}};
  }
  Json operator()(const event::Answered& e) const {
    return {{"type", "answered"},
            {"right", e.right},
            {"choice", e.choice},
            {"correct", e.correct},
            {"concept", content[e.idea].id},
            {"text", content[e.idea].why}};
  }
  Json operator()(const event::QuizFinished& e) const {
    return {{"type", "quiz_finished"}, {"scope", to_text(content, e.scope)},
            {"right", e.right},        {"of", e.of},
            {"passed", e.passed},      {"points", e.points}};
  }
  Json operator()(const event::Measured& e) const {
    const Challenge& c = *content[e.idea].challenge;
    return {{"type", "measured"},
            {"concept", content[e.idea].id},
            {"right", e.right},
            {"prediction", e.prediction},
            {"measured", e.measured},
            {"text", measured_text(c, e.measured)},
            {"band", c.bands.empty() ? Json() : Json(band_of(c, e.measured))},
            {"because", c.because},
            {"points", e.points}};
  }
  Json operator()(const event::Adopted& e) const {
    return {{"type", "adopted"}, {"concepts", e.concepts}, {"points", e.points}};
  }
  Json operator()(const event::Undone& e) const {
    return {{"type", "undone"}, {"id", e.idea ? Json(content[*e.idea].id) : Json()}};
  }
  Json operator()(const event::ChapterComplete& e) const {
    return {{"type", "chapter_complete"}, {"module", e.module}};
  }
  Json operator()(const event::LevelUp& e) const {
    return {{"type", "level_up"}, {"number", e.level}, {"title", scoring::level(e.level).title}};
  }
  Json operator()(const event::Achieved& e) const {
    const Achievement& a = content.achievements[e.achievement];
    return {{"type", "achievement"}, {"id", a.id}, {"name", a.name}, {"emoji", a.emoji}, {"what", a.what}};
  }
  Json operator()(const event::Complete&) const { return {{"type", "complete"}}; }
};

}  // namespace

Json brief(const Content& content, const State& state, ConceptIndex idea) {
  Json out = head(content, content[idea]);
  const Found* f = state.find(idea);
  out["mastery"] = f ? Json(name(mastery(f->review))) : Json();
  return out;
}

Json state(const Content& content, const State& state, const std::string& slot, std::int64_t now) {
  Json out{{"slot", slot}, {"moves", state.moves}, {"seed", state.seed}, {"discovered", Json::array()}};
  for (const Found& f : state.found) out["discovered"].push_back(found(content, state, f));
  out["score"] = state.score();
  out["points"] = state.points;
  out["spent"] = state.spent;
  out["level"] = level(state.points);
  out["streak"] = state.tally.prediction_streak.now;
  out["best_streak"] = state.tally.prediction_streak.best;
  out["chapters"] = Json::array();
  for (const Module& module : content.modules) {
    Json chapter{{"module", module.id}, {"title", module.title}, {"goal", module.goal}};
    add_check(chapter, content, state, {Scope::Kind::module, module.id});
    out["chapters"].push_back(chapter);
  }
  out["misconceptions"] = Json::array();
  for (const std::size_t m : state.misconceptions)
    out["misconceptions"].push_back(ids(content, content.misconceptions[m].pair));
  out["achievements"] = Json::array();
  for (const auto& [a, at] : state.achieved)
    out["achievements"].push_back({{"id", content.achievements[a].id}, {"at", at}});
  out["challenges"] = Json::array();
  for (const auto& [idea, taken] : state.challenges)
    out["challenges"].push_back({{"concept", content[idea].id},
                                 {"right", taken.right},
                                 {"prediction", taken.prediction},
                                 {"measured", taken.measured},
                                 {"text", measured_text(*content[idea].challenge, taken.measured)},
                                 {"at", taken.at}});
  out["quiz"] = quiz(content, state);
  out["due"] = ids(content, due(state, now));
  out["hint"] = state.helped ? hint(content, state, {*state.helped, state.help.at(*state.helped)}) : Json();
  out["can_undo"] = !state.history.empty() && std::holds_alternative<Combine>(state.history.back().action);
  out["makeable"] = state.makeable;
  out["complete"] = state.complete();
  return out;
}

Json summary(const Content& content, const State& state, std::int64_t now) {
  return {{"found", state.found.size()},
          {"total", content.size()},
          {"score", state.score()},
          {"level", level(state.points)},
          {"streak", state.tally.prediction_streak.now},
          {"makeable", state.makeable},
          {"due", due(state, now).size()},
          {"can_undo", !state.history.empty() && std::holds_alternative<Combine>(state.history.back().action)}};
}

Json events(const Content& content, const State& state, const Events& events) {
  Json out = Json::array();
  for (const Event& event : events) out.push_back(std::visit(EventWriter{content, state}, event));
  return out;
}

std::string outcome(const Events& events) {
  for (const Event& event : events) {
    if (std::holds_alternative<event::Discovered>(event)) return "discovered";
    if (std::holds_alternative<event::AnotherWay>(event)) return "another_way";
    if (std::holds_alternative<event::Known>(event)) return "known";
    if (std::holds_alternative<event::Misconceived>(event)) return "misconception";
    if (std::holds_alternative<event::Nothing>(event)) return "nothing";
  }
  return {};
}

Json hint(const Content& content, const State& state, const Help& help) {
  const Concept& c = content[help.idea];
  const Hint shown = hint_text(content, state, help);
  return {{"concept", nullptr},
          {"step", help.step},
          {"of", scoring::hint_steps},
          {"category", content.categories[c.category].id},
          {"difficulty", c.difficulty},
          {"text", shown.text},
          {"ingredients", ids(content, shown.ingredients)},
          {"ingredient_count", shown.ingredient_count},
          {"cost", 0},
          {"next_cost", shown.next_cost}};
}

Json quiz(const Content& content, const State& state) {
  if (!state.quiz) return nullptr;
  const Quiz& quiz = *state.quiz;
  const Question& question = quiz.questions[quiz.index];
  Json choices = Json::array();
  for (int i = 0; i < n_choices; ++i) choices.push_back(choice_text(content, question, i));
  return {{"scope", to_text(content, quiz.scope)},
          {"index", quiz.index},
          {"of", quiz.questions.size()},
          {"right", quiz.right},
          {"question",
           {{"kind", name(question.kind)},
            {"text", question_text(content, question)},
            {"concept", content[question.idea].id},
            {"choices", choices}}}};
}

Json card(const Content& content, const State& state, ConceptIndex idea) {
  const Concept& c = content[idea];
  Json out = brief(content, state, idea);
  add_texts(out, content, c);
  out["module_title"] = content.modules[c.module].title;
  const Found& f = *state.find(idea);
  out["found"] = found(content, state, f);
  Json made = Json::array(), used = Json::array();
  int hidden_ways = 0, hidden_uses = 0;
  for (const Recipe& recipe : c.recipes) {
    if (state.recipes.contains(recipe.ingredients.key()))
      made.push_back({{"ingredients", ids(content, recipe.ingredients)}, {"why", recipe.because}});
    else
      ++hidden_ways;
  }
  for (const RecipeRef ref : content.uses[idea]) {
    const Recipe& recipe = content.recipe(ref);
    if (state.recipes.contains(recipe.ingredients.key()))
      used.push_back({{"ingredients", ids(content, recipe.ingredients)},
                      {"result", content[ref.result].id},
                      {"why", recipe.because}});
    else
      ++hidden_uses;
  }
  out["made_by"] = made;
  out["hidden_ways"] = hidden_ways;
  out["used_for"] = used;
  out["hidden_uses"] = hidden_uses;
  out["review"] = {{"due", f.review.due},
                   {"interval_days", f.review.interval_days},
                   {"ease", f.review.ease},
                   {"state", name(mastery(f.review))}};
  return out;
}

Json statistics(const Content& content, const State& state, std::int64_t now) {
  const Statistics s = game::statistics(content, state, now);
  const Tally& t = state.tally;
  Json out{{"found", state.found.size()},
           {"total", content.size()},
           {"by_category", shares(s.by_category)},
           {"by_module", shares(s.by_module)},
           {"by_difficulty", shares(s.by_difficulty)},
           {"attempts", t.attempts},
           {"discoveries", s.discoveries},
           {"success_rate", t.attempts ? static_cast<double>(state.recipes.size()) / t.attempts : 0.0},
           {"misconceptions", state.misconceptions.size()},
           {"total_misconceptions", content.misconceptions.size()},
           {"ways", s.ways},
           {"total_ways", s.total_ways},
           {"predictions", {{"right", t.right_predictions}, {"wrong", t.predictions - t.right_predictions}}},
           {"best_streak", t.prediction_streak.best},
           {"hints", t.hints},
           {"quizzes", {{"taken", t.quizzes}, {"passed", t.quizzes_passed}}},
           {"answers", {{"right", t.right_answers}, {"of", t.answers}}},
           {"challenges",
            {{"right", std::ranges::count_if(state.challenges, [](const auto& c) { return c.second.right; })},
             {"of", state.challenges.size()}}}};
  Json levels = Json::object();
  for (std::size_t i = 0; i < s.by_mastery.size(); ++i) levels[name(static_cast<Mastery>(i))] = s.by_mastery[i];
  out["mastery"] = levels;
  out["due"] = s.due;
  out["started_at"] = state.started_at;
  out["last_at"] = state.last_at;
  out["active_seconds"] = t.active_seconds;
  out["timeline"] = Json::array();
  for (const Timepoint& p : s.timeline)
    out["timeline"].push_back(
        {{"at", p.at}, {"move", p.move}, {"id", content[p.idea].id}, {"found", p.found}, {"points", p.points}});
  return out;
}

Json achievements(const Content& content, const State& state) {
  Json out = Json::array();
  for (std::size_t i = 0; i < content.achievements.size(); ++i) {
    const Achievement& a = content.achievements[i];
    const Progress p = progress(content, state, a);
    const auto at = state.achieved.find(i);
    out.push_back({{"id", a.id},
                   {"name", a.name},
                   {"emoji", a.emoji},
                   {"what", a.what},
                   {"now", std::min(p.now, p.of)},
                   {"of", p.of},
                   {"at", at == state.achieved.end() ? Json() : Json(at->second)}});
  }
  return out;
}

Json paths(const Content& content, const State& state) {
  Json out = Json::array();
  for (std::size_t p = 0; p < content.paths.size(); ++p) {
    const LearningPath& path = content.paths[p];
    const PathProgress done = progress_of(content, state, p);
    Json chapters = Json::array();
    for (std::size_t i = 0; i < path.chapters.size(); ++i) {
      Json chapter{{"title", path.chapters[i].title}, {"concepts", ids(content, path.chapters[i].concepts)}};
      add_check(chapter, content, state, {Scope::Kind::chapter, 0, p, i});
      chapters.push_back(chapter);
    }
    out.push_back({{"id", path.id},
                   {"name", path.name},
                   {"emoji", path.emoji},
                   {"goal", path.goal},
                   {"modules", path.modules},
                   {"chapters", chapters},
                   {"found", done.found},
                   {"total", done.total},
                   {"passed", done.passed},
                   {"next", done.next ? Json(content[*done.next].id) : Json()}});
  }
  return out;
}

Json way(const Content& content, const State& state, ConceptIndex target) {
  Json steps = Json::array();
  for (const ConceptIndex idea : way_to(content, state, target))
    steps.push_back({{"id", content[idea].id},
                     {"name", content[idea].name},
                     {"emoji", content[idea].emoji},
                     {"known", state.knows(idea)},
                     {"makeable", bool{state.reachable_now[idea]}}});
  return {{"target", content[target].id}, {"known", state.knows(target)}, {"steps", steps}};
}

Json slots(std::span<const SlotInfo> slots) {
  Json out = Json::array();
  for (const SlotInfo& slot : slots)
    out.push_back({{"slot", slot.slot},
                   {"moves", slot.moves},
                   {"discovered", slot.found},
                   {"score", slot.score},
                   {"saved_at", slot.saved_at}});
  return out;
}

Json content(const Content& content) {
  Json out{{"fingerprint", content.fingerprint},
           {"start", ids(content, content.start)},
           {"concepts", Json::array()},
           {"misconceptions", Json::array()},
           {"modules", Json::array()},
           {"categories", Json::array()},
           {"paths", Json::array()},
           {"achievements", Json::array()},
           {"levels", Json::array()}};
  for (const Concept& c : content.concepts) out["concepts"].push_back(full(content, c));
  for (const Misconception& m : content.misconceptions) out["misconceptions"].push_back(misconception(content, m));
  for (const Module& m : content.modules)
    out["modules"].push_back({{"id", m.id}, {"title", m.title}, {"goal", m.goal}});
  for (const Category& c : content.categories)
    out["categories"].push_back({{"id", c.id}, {"name", c.name}, {"emoji", c.emoji}, {"what", c.what}});
  for (const LearningPath& path : content.paths) {
    Json chapters = Json::array();
    for (const Chapter& chapter : path.chapters)
      chapters.push_back({{"title", chapter.title}, {"concepts", ids(content, chapter.concepts)}});
    out["paths"].push_back({{"id", path.id},
                            {"name", path.name},
                            {"emoji", path.emoji},
                            {"goal", path.goal},
                            {"modules", path.modules},
                            {"chapters", chapters}});
  }
  for (const Achievement& a : content.achievements) {
    Json row{{"id", a.id},
             {"name", a.name},
             {"emoji", a.emoji},
             {"what", a.what},
             {"kind", statistic_names[static_cast<std::size_t>(a.kind)]},
             {"count", a.count}};
    if (a.category) row["category"] = content.categories[*a.category].id;
    if (a.path) row["path"] = content.paths[*a.path].id;
    if (a.module) row["module"] = *a.module;
    if (a.difficulty) row["difficulty"] = *a.difficulty;
    if (!a.concepts.empty()) row["concepts"] = ids(content, a.concepts);
    out["achievements"].push_back(row);
  }
  for (int n = 1; n <= scoring::n_levels; ++n) {
    const scoring::Level l = scoring::level(n);
    out["levels"].push_back({{"number", l.number}, {"title", l.title}, {"points", l.points}});
  }
  return out;
}

Json concept_list(const Content& content) {
  Json out{{"concepts", Json::array()}, {"start", ids(content, content.start)}};
  for (const Concept& c : content.concepts) {
    Json row = full(content, c);
    // The contract's form of a recipe is the list of its ingredients; the reasons stand beside them.
    Json recipes = Json::array(), reasons = Json::array();
    for (const Recipe& recipe : c.recipes) {
      recipes.push_back(ids(content, recipe.ingredients));
      reasons.push_back(recipe.because);
    }
    row["recipes"] = recipes;
    row["reasons"] = reasons;
    out["concepts"].push_back(row);
  }
  return out;
}

}  // namespace sw::game::views
