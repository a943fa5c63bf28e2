#pragma once

#include <string_view>

#include "base/error.hpp"
#include "curriculum/lesson.hpp"

namespace sw::curriculum {

/// Small exercises with computed answers, grades 1 to 3. Combinations of numbers and words, too, are either trained or
/// tested; grade 1 of the two arithmetic skills is a table to know by heart, of which only phrasings are kept back.
class Skills {
 public:
  /// `phrasings` must outlive it. Fails where a skill has no phrasings, or too few words.
  static Result<Skills> create(const Phrasings& phrasings);

  static constexpr std::string_view kinds[] = {"addition",   "subtraction", "comparison", "copying",
                                               "recall",     "extraction",  "sorting",    "instructions"};
  static constexpr int grades = 3;

  Lesson make(std::string_view kind, int grade, Split split, Random& random) const;

  /// To train on: exercises of one kind in a row, and what else each of them tells. A single number or word for an
  /// answer is little to learn from.
  Lesson drill(std::string_view kind, int grade, Random& random) const;

  /// Who has what, said over and over in another order: nearly every thing can be looked up in what stands before.
  std::string lookup(Random& random) const;

 private:
  static constexpr std::size_t most_drilled = 4;
  static constexpr std::size_t lookups = 12;  ///< at least, in a text

  explicit Skills(const Phrasings& phrasings) : phrasings_(phrasings) {}
  struct Exercise;
  using Owners = std::vector<std::pair<std::string, std::string>>;  ///< who has what
  Owners owners(std::size_t count, Random& random) const;
  Exercise draw(std::string_view kind, int grade, Random& random) const;
  Exercise draw(std::string_view kind, int grade, Split split, Random& random) const;
  Turn ask(std::string_view kind, const Exercise& exercise, Split split, Random& random) const;

  const Phrasings& phrasings_;
};

}  // namespace sw::curriculum
