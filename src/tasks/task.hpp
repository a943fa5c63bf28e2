#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace sw {

// How replies are scored. content/tasks/README.md says what each kind and field means.

struct ExactMatch {
  std::vector<std::string> answers;
};

struct Numeric {
  double answer = 0, tolerance = 0;
};

struct ContainsAll {
  std::vector<std::vector<std::string>> groups;  ///< of each group, one alternative
  std::vector<std::string> forbidden;
  int max_words = 0;  ///< 0: any number
};

struct MultipleChoice {
  std::vector<std::string> choices;
  int answer = 0;  ///< index into `choices`
};

/// What must hold of the text of a reply; empty members ask for nothing.
struct Constraints {
  struct Range {
    int least = 0, most = 1 << 30;
  };
  enum class Case { any, lower, upper };

  Range words, lines, sentences;
  std::string starts_with, ends_with, each_line_starts_with, equals;
  std::vector<std::string> contains, excludes, json_keys;
  Case letters = Case::any;
};

using Scorer = std::variant<ExactMatch, Numeric, ContainsAll, MultipleChoice, Constraints>;

/// What was said before a question.
struct TaskTurn {
  std::string role, content;
};

/// A question whose answer can be checked.
struct TaskItem {
  std::string id, task;
  int grade = 1;
  std::vector<TaskTurn> history;  ///< the conversation that the prompt goes on with
  std::string prompt;
  std::string example;  ///< a reply that is right; empty where none was given
  int max_tokens = 64;  ///< of the reply
  Scorer scorer;
};

/// Reads JSONL; `where` is its name in errors, which give the line.
Result<std::vector<TaskItem>> parse_tasks(std::string_view jsonl, const std::string& where);

}  // namespace sw
