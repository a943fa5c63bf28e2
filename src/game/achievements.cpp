#include "game/achievements.hpp"

#include <algorithm>

#include "game/scoring.hpp"

namespace sw::game {
namespace {

template <class Belongs>
Progress count_discovered(const Content& content, const State& state, int wanted, const Belongs& belongs) {
  Progress progress{0, wanted};
  int all = 0;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const auto idea = static_cast<ConceptIndex>(i);
    if (content[idea].start || !belongs(idea)) continue;
    ++all;
    progress.now += state.knows(idea);
  }
  if (wanted == 0) progress.of = all;
  return progress;
}

int paths_passed(const Content& content, const State& state) {
  int n = 0;
  for (std::size_t path = 0; path < content.paths.size(); ++path) {
    bool all = !content.paths[path].chapters.empty();
    for (std::size_t chapter = 0; chapter < content.paths[path].chapters.size(); ++chapter)
      all = all && state.passed.contains({Scope::Kind::chapter, 0, path, chapter});
    n += all;
  }
  return n;
}

int triples(const State& state) {
  constexpr std::uint64_t first_triple = std::uint64_t{1} << 32;  // the keys of pairs are below
  return static_cast<int>(std::distance(state.recipes.lower_bound(first_triple), state.recipes.end()));
}

int n_mastered(const State& state) {
  return static_cast<int>(std::ranges::count_if(
      state.found, [](const Found& found) { return mastery(found.review) == Mastery::mastered; }));
}

std::vector<bool> members(const Content& content, const Achievement& achievement) {
  std::vector<bool> member(content.size());
  if (achievement.path)
    for (const Chapter& chapter : content.paths[*achievement.path].chapters)
      for (const ConceptIndex idea : chapter.concepts) member[idea] = true;
  return member;
}

std::size_t count(const Content& content, const State& state, Statistic kind) {
  switch (kind) {
    case Statistic::recipes:
      return state.recipes.size();
    case Statistic::recipes_of_one:
      return state.ways.empty() ? 0 : *std::ranges::max_element(state.ways);
    case Statistic::triples:
      return triples(state);
    case Statistic::misconceptions:
      return state.misconceptions.size();
    case Statistic::attempts:
      return state.tally.attempts;
    case Statistic::predictions:
      return state.tally.right_predictions;
    case Statistic::prediction_streak:
      return state.tally.prediction_streak.best;
    case Statistic::discovery_streak:
      return state.tally.discovery_streak.best;
    case Statistic::unaided:
      return state.tally.unaided_streak.best;
    case Statistic::checks:
      return state.tally.right_answers;
    case Statistic::check_streak:
      return state.tally.answer_streak.best;
    case Statistic::chapters:
      return state.passed.size();
    case Statistic::paths:
      return paths_passed(content, state);
    case Statistic::mastered:
      return n_mastered(state);
    case Statistic::reviews:
      return state.tally.reviews;
    case Statistic::days:
      return state.tally.days.size();
    case Statistic::experiments:
      return state.challenges.size();
    case Statistic::level:
      return scoring::level_at(state.points).number;
    default:
      return 0;
  }
}

}  // namespace

Progress progress(const Content& content, const State& state, const Achievement& a) {
  const auto discovered = [&](const auto& belongs) { return count_discovered(content, state, a.count, belongs); };
  switch (a.kind) {
    case Statistic::discovered:
      return discovered([](ConceptIndex) { return true; });
    case Statistic::in_category:
      return discovered([&](ConceptIndex i) { return content[i].category == a.category; });
    case Statistic::in_module:
      return discovered([&](ConceptIndex i) { return content[i].module == a.module; });
    case Statistic::at_difficulty:
      return discovered([&](ConceptIndex i) { return content[i].difficulty == a.difficulty; });
    case Statistic::in_path: {
      const auto member = members(content, a);
      return discovered([&](ConceptIndex i) { return bool{member[i]}; });
    }
    case Statistic::all_of: {
      const auto known = std::ranges::count_if(a.concepts, [&](ConceptIndex idea) { return state.knows(idea); });
      return {static_cast<int>(known), static_cast<int>(a.concepts.size())};
    }
    default:
      return {static_cast<int>(count(content, state, a.kind)), a.count};
  }
}

}  // namespace sw::game
