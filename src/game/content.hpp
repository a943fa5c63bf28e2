#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "game/ingredients.hpp"

namespace sw::game {

constexpr int n_modules = 11;
constexpr int hardest = 5;

struct Module {
  int id = 0;  ///< 0 … 10
  std::string title, goal;
};

struct Category {
  std::string id, name, emoji, what;
};

struct Paper {
  std::string title, arxiv;  ///< arxiv: empty where there is none
  int year = 0;
};

/// A typical number and where it comes from.
struct Figure {
  std::string value, source;
};

/// A combination that yields a concept, and what it teaches.
struct Recipe {
  Ingredients ingredients;
  std::string because;
};

/// A number in the JSON document that this program prints when it is run with `run` and --json: see number_at().
struct Reading {
  std::vector<std::string> run;
  std::string at;
  bool operator==(const Reading&) const = default;
};

/// One of the answers to choose from: all measurements from the end of the one before it up to `below`.
struct Band {
  std::string says;
  double below = 0;  ///< of the last: infinity
};

/// A question about a concept that this machine answers: the player predicts, the program measures.
struct Challenge {
  std::string question, because, unit;
  Reading value;
  std::optional<Reading> per;  ///< what `value` is divided by
  double scale = 1;            ///< what the outcome is multiplied by
  std::vector<Band> bands;     ///< empty: a number is asked for
  double slack = 0;            ///< how far off, as a share, a number or the edge of a band may be
  int seconds = 1;             ///< about how long it takes
};

struct Concept {
  std::string id, name, emoji;
  std::vector<std::string> aliases, seed_ids;
  std::size_t category = 0;  ///< place in Content::categories
  int module = 0;            ///< 0 … 10
  int difficulty = 1;        ///< 1 … 5
  bool start = false;        ///< known from the beginning
  bool summit = false;       ///< part of no recipe
  std::string what, why, cost, when_not, complexity;
  std::string improves, costs, generalizes, next_bottleneck;  ///< short phrases that checks and hints are made of
  std::vector<std::string> failure_modes;
  std::vector<Figure> figures;
  std::vector<Paper> papers;
  std::vector<std::string> code;  ///< files of this project
  std::string experiment;         ///< the lab's id; empty: none
  std::string try_it;             ///< a command of this program that shows it; empty: none
  std::vector<ConceptIndex> prerequisites;
  std::vector<Recipe> recipes;
  std::optional<Challenge> challenge;
  std::optional<ConceptIndex> next;  ///< the concept that `next_bottleneck` names, where it names one
};

/// A pair that looks as if it should yield something.
struct Misconception {
  Ingredients pair;
  std::string tempting, why_not, missing;
  ConceptIndex see = 0;  ///< answers what is missing
};

struct Chapter {
  std::string title;
  std::vector<ConceptIndex> concepts;
};

/// A way through the concepts.
struct LearningPath {
  std::string id, name, emoji, goal;
  std::vector<std::string> modules;
  std::vector<Chapter> chapters;
};

/// What achievements count: the kinds of content/README.md, in its order.
enum class Statistic {
  discovered,
  in_category,
  in_module,
  at_difficulty,
  in_path,
  all_of,  // these change with discoveries only
  recipes,
  recipes_of_one,
  triples,
  misconceptions,
  attempts,
  predictions,
  prediction_streak,
  discovery_streak,
  unaided,
  checks,
  check_streak,
  chapters,
  paths,
  mastered,
  reviews,
  days,
  experiments,
  level
};
constexpr std::string_view statistic_names[] = {"discovered",
                                                "in_category",
                                                "in_module",
                                                "at_difficulty",
                                                "in_path",
                                                "all_of",
                                                "recipes",
                                                "recipes_of_one",
                                                "triples",
                                                "misconceptions",
                                                "attempts",
                                                "predictions",
                                                "prediction_streak",
                                                "discovery_streak",
                                                "unaided",
                                                "checks",
                                                "check_streak",
                                                "chapters",
                                                "paths",
                                                "mastered",
                                                "reviews",
                                                "days",
                                                "experiments",
                                                "level"};

/// Given once, when a statistic reaches `count`.
struct Achievement {
  std::string id, name, emoji, what;
  Statistic kind = Statistic::discovered;
  int count = 1;  ///< of in_category, in_module, at_difficulty and in_path, 0: all there are
  std::optional<std::size_t> category, path;  ///< places in Content::categories, Content::paths
  std::optional<int> module, difficulty;
  std::vector<ConceptIndex> concepts;
};

/// One recipe of one concept.
struct RecipeRef {
  ConceptIndex result = 0;
  std::uint16_t recipe = 0;  ///< place in Concept::recipes
};

/// All that can be discovered. Made by parse_content; does not change afterwards.
struct Content {
  std::vector<Module> modules;  ///< by id
  std::vector<Category> categories;
  std::vector<Concept> concepts;
  std::vector<Misconception> misconceptions;
  std::vector<LearningPath> paths;
  std::vector<Achievement> achievements;
  std::vector<ConceptIndex> start;
  std::string fingerprint;  ///< 16 hexadecimal digits of the files' bytes

  std::unordered_map<std::string, ConceptIndex> by_id;
  std::unordered_map<std::uint64_t, RecipeRef> by_ingredients;          ///< Ingredients::key → its recipe
  std::unordered_map<std::uint64_t, std::size_t> misconception_by_key;  ///< Ingredients::key → misconceptions
  std::vector<std::vector<RecipeRef>> uses;                             ///< concept → the recipes it is part of

  const Concept& operator[](ConceptIndex idea) const { return concepts[idea]; }
  std::size_t size() const { return concepts.size(); }
  std::optional<ConceptIndex> find(std::string_view id) const;
  const Recipe& recipe(RecipeRef ref) const { return concepts[ref.result].recipes[ref.recipe]; }
};

/// A file of the content: its path below `content/` and its text.
struct ContentFile {
  std::string_view path, text;
};

/// Reads the files that content/README.md describes; others are passed over. Refuses what cannot be played: references
/// to nothing, missing or oversized fields, doubled ids. What makes a game bad rather than impossible is found by
/// validate().
Result<Content> parse_content(std::span<const ContentFile> files);

}  // namespace sw::game
