#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "game/content.hpp"

namespace sw::game {

/// A concept for tests: only what the rules look at.
struct Entry {
  std::string id = {};
  std::vector<std::vector<std::string>> recipes = {};  ///< none: a start
  int difficulty = 1, module = 0;
  std::string category = "tools";
  std::string extra = {};  ///< more lines of TOML
};

/// The files of a small `content/`.
class SmallContent {
 public:
  explicit SmallContent(const std::vector<Entry>& entries);

  std::string misconceptions = "misconception = []\n";
  std::string paths = "path = []\n";
  std::string achievements = "achievement = []\n";
  std::string challenges = "challenge = []\n";

  std::vector<ContentFile> files() const;
  /// The concepts' file of one category, to be broken on purpose.
  std::string& concepts(std::size_t n = 0) { return concepts_[n].second; }
  /// Loads it; a test of something else ends when that fails.
  Content load() const;

 private:
  std::string modules_, categories_;
  std::vector<std::pair<std::string, std::string>> concepts_;  ///< path, text
};

/// a, b and c at the start; ab, bc, abc (of ab + c, or of all three), then top (of abc + bc); a + c is a misconception.
/// abc has a challenge with choices, b one that asks for a number.
SmallContent alphabet();

/// The concept's index; the test ends where there is none.
ConceptIndex at(const Content& content, std::string_view id);
Ingredients mix(const Content& content, const std::vector<std::string>& ids);

}  // namespace sw::game
