#include "game/statistics.hpp"

namespace sw::game {

Statistics statistics(const Content& content, const State& state, std::int64_t now) {
  Statistics out;
  for (const Category& category : content.categories) out.by_category.push_back({category.id, category.name, 0, 0});
  for (const Module& module : content.modules) out.by_module.push_back({std::to_string(module.id), module.title, 0, 0});
  for (int d = 1; d <= hardest; ++d) out.by_difficulty.push_back({std::to_string(d), std::string(d, '*'), 0, 0});
  for (std::size_t i = 0; i < content.size(); ++i) {
    const Concept& c = content.concepts[i];
    const bool known = state.knows(static_cast<ConceptIndex>(i));
    for (Share* share :
         {&out.by_category[c.category], &out.by_module[c.module], &out.by_difficulty[c.difficulty - 1]}) {
      ++share->total;
      share->found += known;
    }
    out.total_ways += static_cast<int>(c.recipes.size());
  }
  out.ways = static_cast<int>(state.recipes.size());
  out.due = static_cast<int>(due(state, now).size());
  int points = 0;
  for (std::size_t i = 0; i < state.found.size(); ++i) {
    const Found& found = state.found[i];
    ++out.by_mastery[static_cast<std::size_t>(mastery(found.review))];
    out.discoveries += !content[found.idea].start;
    points += found.points;
    out.timeline.push_back({found.at, found.move, found.idea, static_cast<int>(i) + 1, points});
  }
  return out;
}

PathProgress progress_of(const Content& content, const State& state, std::size_t path) {
  PathProgress out;
  for (std::size_t chapter = 0; chapter < content.paths[path].chapters.size(); ++chapter) {
    for (const ConceptIndex idea : content.paths[path].chapters[chapter].concepts) {
      ++out.total;
      if (state.knows(idea))
        ++out.found;
      else if (!out.next)
        out.next = idea;
    }
    out.passed += state.passed.contains({Scope::Kind::chapter, 0, path, chapter});
  }
  return out;
}

}  // namespace sw::game
