#include "game/quiz.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "game/random.hpp"

namespace sw::game {
namespace {

constexpr std::size_t review_size = 5;

const std::string& field(const Concept& idea, QuestionKind kind) {
  switch (kind) {
    case QuestionKind::improves:
      return idea.improves;
    case QuestionKind::costs:
      return idea.costs;
    case QuestionKind::why:
      return idea.why;
    case QuestionKind::generalizes:
      return idea.generalizes;
    case QuestionKind::bottleneck:
      return idea.next_bottleneck;
  }
  return idea.what;
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// `text` with every whole-word `name` replaced by an ellipsis.
std::string without(std::string text, std::string_view name) {
  constexpr std::string_view gap = "…";
  if (name.empty()) return text;
  std::size_t from = 0;
  while (true) {
    const auto hit = std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), name.begin(), name.end(),
                                 [](char a, char b) { return lower(a) == lower(b); });
    if (hit == text.end()) return text;
    const auto at = static_cast<std::size_t>(hit - text.begin());
    const std::size_t end = at + name.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]))) {
      text.replace(at, name.size(), gap);
      from = at + gap.size();
    } else {
      from = at + 1;
    }
  }
}

/// What `idea` says of itself, without its name.
std::string text_of(const Concept& idea, QuestionKind kind) {
  std::string text = field(idea, kind);
  if (kind == QuestionKind::bottleneck) return text;
  text = without(std::move(text), idea.name);
  for (const std::string& alias : idea.aliases) text = without(std::move(text), alias);
  return text;
}

/// Chooses three other concepts whose field says something else, the nearest kin first.
Question make_question(const Content& content, QuestionKind kind, ConceptIndex idea, Random& random) {
  const Concept& subject = content[idea];
  std::vector<ConceptIndex> others;
  for (std::size_t i = 0; i < content.size(); ++i)
    if (i != idea) others.push_back(static_cast<ConceptIndex>(i));
  random.shuffle(others);
  std::ranges::stable_sort(others, {}, [&](ConceptIndex other) {
    const Concept& c = content[other];
    return c.category == subject.category ? 0 : c.module == subject.module ? 1 : 2;
  });

  std::vector<ConceptIndex> choices{idea};
  std::vector<std::string> texts{text_of(subject, kind)};
  for (const ConceptIndex other : others) {
    if (choices.size() == n_choices) break;
    const bool says_the_same = std::ranges::any_of(
        texts, [text = text_of(content[other], kind)](const std::string& said) { return same_text(said, text); });
    // The answer "GQA" to "what is the next bottleneck of GQA" would be no plausible one.
    const bool is_subject = kind == QuestionKind::bottleneck && content[other].next == idea;
    if (says_the_same || is_subject) continue;
    choices.push_back(other);
    texts.push_back(text_of(content[other], kind));
  }
  while (choices.size() < n_choices) choices.push_back(idea);  // content too small to ask about
  random.shuffle(choices);
  Question question{.kind = kind, .idea = idea};
  std::ranges::copy(choices, question.choices.begin());
  question.correct = static_cast<int>(std::ranges::find(choices, idea) - choices.begin());
  return question;
}

}  // namespace

std::vector<ConceptIndex> concepts_of(const Content& content, const Scope& scope) {
  if (scope.kind == Scope::Kind::chapter) return content.paths[scope.path].chapters[scope.chapter].concepts;
  std::vector<ConceptIndex> out;
  if (scope.kind == Scope::Kind::idea) out.push_back(scope.idea);
  if (scope.kind == Scope::Kind::module)
    for (std::size_t i = 0; i < content.size(); ++i)
      if (content.concepts[i].module == scope.module) out.push_back(static_cast<ConceptIndex>(i));
  return out;
}

bool is_open(const Content& content, const State& state, const Scope& scope) {
  const auto concepts = concepts_of(content, scope);
  const auto known = std::ranges::count_if(concepts, [&](ConceptIndex idea) { return state.knows(idea); });
  return known > 0 && 2 * static_cast<std::size_t>(known) >= concepts.size();
}

std::vector<Question> make_questions(const Content& content, const State& state, const Scope& scope, std::int64_t now) {
  const std::uint64_t about = static_cast<std::uint64_t>(scope.kind) << 48 ^
                              static_cast<std::uint64_t>(scope.module) << 32 ^ scope.path << 16 ^ scope.chapter ^
                              static_cast<std::uint64_t>(scope.idea) << 8;
  Random random(Random(state.seed ^ about).next() + static_cast<std::uint64_t>(state.tally.quizzes));
  std::vector<Question> questions;
  if (scope.kind == Scope::Kind::review) {
    for (const ConceptIndex idea : due(state, now)) {
      if (questions.size() == review_size) break;
      const auto kind = static_cast<QuestionKind>(random.below(n_question_kinds));
      questions.push_back(make_question(content, kind, idea, random));
    }
    return questions;
  }
  std::vector<ConceptIndex> subjects;
  for (const ConceptIndex idea : concepts_of(content, scope))
    if (state.knows(idea)) subjects.push_back(idea);
  if (subjects.empty()) return questions;
  random.shuffle(subjects);
  for (std::size_t i = 0; i < n_question_kinds; ++i)
    questions.push_back(make_question(content, static_cast<QuestionKind>(i), subjects[i % subjects.size()], random));
  return questions;
}

std::string question_text(const Content& content, const Question& question) {
  const std::string& name = content[question.idea].name;
  switch (question.kind) {
    case QuestionKind::improves:
      return fmt::format("What does {} improve?", name);
    case QuestionKind::costs:
      return fmt::format("What does {} cost?", name);
    case QuestionKind::why:
      return fmt::format("Why does {} work?", name);
    case QuestionKind::generalizes:
      return fmt::format("Where else does the idea of {} apply?", name);
    case QuestionKind::bottleneck:
      return fmt::format("With {} in place, what limits next?", name);
  }
  return {};
}

std::string choice_text(const Content& content, const Question& question, int choice) {
  return text_of(content[question.choices[choice]], question.kind);
}

const char* name(QuestionKind kind) {
  constexpr const char* names[] = {"improves", "costs", "why", "generalizes", "bottleneck"};
  return names[static_cast<int>(kind)];
}

std::vector<ConceptIndex> prediction_choices(const Content& content, const State& state,
                                             const Ingredients& ingredients) {
  const auto made = content.by_ingredients.find(ingredients.key());
  std::optional<ConceptIndex> result;
  if (made != content.by_ingredients.end() && !state.knows(made->second.result)) result = made->second.result;
  int difficulty = 1;
  for (const ConceptIndex part : ingredients) difficulty = std::max(difficulty, content[part].difficulty);
  if (result) difficulty = content[*result].difficulty;
  // Of the ingredients' kind, and about as hard as the result: what one might well expect.
  const auto distance = [&](ConceptIndex idea) {
    const bool related = std::ranges::any_of(ingredients, [&](ConceptIndex part) {
      return content[part].category == content[idea].category || content[part].module == content[idea].module;
    });
    return std::abs(content[idea].difficulty - difficulty) * 2 + (related ? 0 : 3);
  };
  std::vector<ConceptIndex> others;
  for (std::size_t i = 0; i < content.size(); ++i)
    if (!state.knows(static_cast<ConceptIndex>(i)) && result != i) others.push_back(static_cast<ConceptIndex>(i));
  Random random(state.seed ^ ingredients.key());
  random.shuffle(others);
  std::ranges::stable_sort(others, {}, distance);
  std::vector<ConceptIndex> choices(
      others.begin(), others.begin() + std::min<std::ptrdiff_t>(n_choices - (result ? 1 : 0),
                                                                static_cast<std::ptrdiff_t>(others.size())));
  if (result) choices.push_back(*result);
  random.shuffle(choices);
  return choices;
}

}  // namespace sw::game
