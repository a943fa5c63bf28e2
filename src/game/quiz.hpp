#pragma once

#include <string>
#include <vector>

#include "game/content.hpp"
#include "game/state.hpp"

namespace sw::game {

/// The concepts of a module or a chapter, in order; the one concept. Empty for a review.
std::vector<ConceptIndex> concepts_of(const Content& content, const Scope& scope);

/// A check opens when half of its concepts were found.
bool is_open(const Content& content, const State& state, const Scope& scope);

/// One question of each kind about concepts of `scope` that were found, or one about each of up to five whose review is
/// due at `now`. The wrong answers are what the same field says of other concepts, of the same category or module where
/// there are such. Depends on nothing but the content, what was found, `scope` and the seed. Empty: nothing to ask.
std::vector<Question> make_questions(const Content& content, const State& state, const Scope& scope, std::int64_t now);

/// "What does Grouped-Query Attention improve?"
std::string question_text(const Content& content, const Question& question);
/// What a choice says. Where the text names its own concept, that name is left out, so that it does not give itself
/// away.
std::string choice_text(const Content& content, const Question& question, int choice);
const char* name(QuestionKind kind);

/// Four undiscovered concepts in an order that says nothing, among them the one that the ingredients yield, if they
/// yield a new one.
std::vector<ConceptIndex> prediction_choices(const Content& content, const State& state,
                                             const Ingredients& ingredients);

}  // namespace sw::game
