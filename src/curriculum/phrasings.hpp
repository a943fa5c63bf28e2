#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace sw::curriculum {

/// Training never sees what the test asks.
enum class Split { train, test };

/// Ways to say the same, some of them for the test only.
struct Ways {
  std::vector<std::string> train, test;

  const std::vector<std::string>& of(Split split) const { return split == Split::train ? train : test; }
};

/// A question that is answered in one way, however it is put.
struct Dialogue {
  std::string id, answer;
  Ways ways;
};

/// How people ask: a folder's phrasings.toml, dialogues.toml and skills.toml. {x} and {y} are what is asked about.
struct Phrasings {
  std::map<std::string, Ways, std::less<>> facts;   ///< by kind of question: "why", "follow_up.why"
  std::map<std::string, Ways, std::less<>> skills;  ///< by skill: "sorting"
  std::vector<Dialogue> dialogues;
  std::vector<std::string> system_prompts;
  std::vector<std::string> unknown_ask;  ///< questions about what is not known,
  Ways unknown;                          ///< and what they are about
  std::vector<std::string> words, people, things, places;  ///< what skills are practised on
};

Result<Phrasings> read_phrasings(const std::filesystem::path& folder);

/// "{x} or {y}?" with the names in place.
std::string put(std::string text, std::string_view x, std::string_view y = {});

}  // namespace sw::curriculum
