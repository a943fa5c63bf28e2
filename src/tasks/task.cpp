#include "tasks/task.hpp"

#include <fmt/core.h>

#include <unordered_set>

#include "formats/json.hpp"

namespace sw {
namespace {

using nlohmann::json;

/// Reads the fields of one JSON object; an Error names the field.
class Fields {
 public:
  Fields(const json& object, const std::string& where) : object_(object), where_(where) {}

  bool has(const char* key) const { return object_.contains(key); }

  Result<std::string> text(const char* key) const {
    const auto it = object_.find(key);
    if (it == object_.end() || !it->is_string()) return wrong(key, "a string");
    return it->get<std::string>();
  }

  Result<double> number(const char* key) const {
    const auto it = object_.find(key);
    if (it == object_.end() || !it->is_number()) return wrong(key, "a number");
    return it->get<double>();
  }

  Result<int> whole_number(const char* key, int least, int most) const {
    const auto it = object_.find(key);
    const bool whole = it != object_.end() && it->is_number_integer();
    if (!whole || *it < least || *it > most)
      return wrong(key, fmt::format("a whole number from {} to {}", least, most));
    return it->get<int>();
  }

  Result<std::vector<std::string>> texts(const char* key) const {
    const auto it = object_.find(key);
    if (it == object_.end()) return wrong(key, "a list of strings");
    return texts_in(key, *it);
  }

  Result<std::vector<std::vector<std::string>>> groups(const char* key) const {
    const auto it = object_.find(key);
    if (it == object_.end() || !it->is_array() || it->empty()) return wrong(key, "a list of lists of strings");
    std::vector<std::vector<std::string>> groups;
    for (const json& group : *it) {
      SW_ASSIGN(auto alternatives, texts_in(key, group));
      groups.push_back(std::move(alternatives));
    }
    return groups;
  }

  Result<Constraints::Range> range(const char* key) const {
    const json& pair = object_.at(key);
    const auto is_count = [](const json& value) { return value.is_number_integer() && value >= 0 && value <= 1 << 30; };
    if (!pair.is_array() || pair.size() != 2 || !is_count(pair[0]) || !is_count(pair[1]) || pair[0] > pair[1])
      return wrong(key, "[least, most]");
    return Constraints::Range{pair[0].get<int>(), pair[1].get<int>()};
  }

  std::unexpected<Error> wrong(const char* key, std::string expected) const {
    return fail(fmt::format("'{}' is {}", key, has(key) ? "something else" : "missing"), where_, std::move(expected));
  }

 private:
  Result<std::vector<std::string>> texts_in(const char* key, const json& list) const {
    if (!list.is_array() || list.empty()) return wrong(key, "a list of strings, not empty");
    std::vector<std::string> texts;
    for (const json& text : list) {
      if (!text.is_string() || text.get_ref<const std::string&>().empty()) return wrong(key, "strings, none empty");
      texts.push_back(text.get<std::string>());
    }
    return texts;
  }

  const json& object_;
  const std::string& where_;
};

Result<Scorer> exact_match(const Fields& fields) {
  SW_ASSIGN(auto answers, fields.texts("answers"));
  return ExactMatch{std::move(answers)};
}

Result<Scorer> numeric(const Fields& fields) {
  Numeric scorer;
  SW_ASSIGN(scorer.answer, fields.number("answer"));
  if (fields.has("tolerance")) {
    SW_ASSIGN(scorer.tolerance, fields.number("tolerance"));
    if (scorer.tolerance < 0) return fields.wrong("tolerance", "0 or more");
  }
  return scorer;
}

Result<Scorer> contains_all(const Fields& fields) {
  ContainsAll scorer;
  SW_ASSIGN(scorer.groups, fields.groups("answers"));
  if (fields.has("forbidden")) {
    SW_ASSIGN(scorer.forbidden, fields.texts("forbidden"));
  }
  if (fields.has("max_words")) {
    SW_ASSIGN(scorer.max_words, fields.whole_number("max_words", 1, 1 << 20));
  }
  return scorer;
}

Result<Scorer> multiple_choice(const Fields& fields) {
  MultipleChoice scorer;
  SW_ASSIGN(scorer.choices, fields.texts("choices"));
  SW_ASSIGN(scorer.answer, fields.whole_number("answer", 0, static_cast<int>(scorer.choices.size()) - 1));
  return scorer;
}

Result<Scorer> constraints(const json& object, const std::string& where) {
  const auto it = object.find("constraints");
  if (it == object.end() || !it->is_object() || it->empty())
    return fail("'constraints' is missing or empty", where, "an object with at least one constraint");
  const Fields fields(*it, where);
  Constraints scorer;
  // A constraint that is not known cannot be left out: replies that break it would count as right.
  for (const auto& [key, value] : it->items()) {
    if (key == "words") {
      SW_ASSIGN(scorer.words, fields.range("words"));
    } else if (key == "lines") {
      SW_ASSIGN(scorer.lines, fields.range("lines"));
    } else if (key == "sentences") {
      SW_ASSIGN(scorer.sentences, fields.range("sentences"));
    } else if (key == "starts_with") {
      SW_ASSIGN(scorer.starts_with, fields.text("starts_with"));
    } else if (key == "ends_with") {
      SW_ASSIGN(scorer.ends_with, fields.text("ends_with"));
    } else if (key == "each_line_starts_with") {
      SW_ASSIGN(scorer.each_line_starts_with, fields.text("each_line_starts_with"));
    } else if (key == "equals") {
      SW_ASSIGN(scorer.equals, fields.text("equals"));
    } else if (key == "contains") {
      SW_ASSIGN(scorer.contains, fields.texts("contains"));
    } else if (key == "excludes") {
      SW_ASSIGN(scorer.excludes, fields.texts("excludes"));
    } else if (key == "json_keys") {
      SW_ASSIGN(scorer.json_keys, fields.texts("json_keys"));
    } else if (key == "case" && (value == "upper" || value == "lower")) {
      scorer.letters = value == "upper" ? Constraints::Case::upper : Constraints::Case::lower;
    } else {
      return fail("there is no constraint like " + json{{key, value}}.dump(), where,
                  "one of those in the tasks' README");
    }
  }
  return scorer;
}

Result<Scorer> parse_scorer(const json& object, const std::string& kind, const std::string& where) {
  const Fields fields(object, where);
  if (kind == "exact_match") return exact_match(fields);
  if (kind == "numeric") return numeric(fields);
  if (kind == "contains_all") return contains_all(fields);
  if (kind == "multiple_choice") return multiple_choice(fields);
  if (kind == "constraints") return constraints(object, where);
  return fail("there is no kind '" + kind + "'", where,
              "exact_match, numeric, contains_all, multiple_choice or constraints");
}

Result<std::vector<TaskTurn>> parse_history(const json& object, const Fields& fields) {
  const auto it = object.find("history");
  if (it == object.end()) return std::vector<TaskTurn>{};
  constexpr const char* expected = "a list of {\"role\": …, \"content\": …}";
  if (!it->is_array()) return fields.wrong("history", expected);
  std::vector<TaskTurn> turns;
  for (const json& turn : *it) {
    const auto text = [&](const char* key) { return turn.is_object() && turn.contains(key) && turn[key].is_string(); };
    if (!text("role") || !text("content")) return fields.wrong("history", expected);
    turns.push_back({turn["role"].get<std::string>(), turn["content"].get<std::string>()});
  }
  return turns;
}

Result<TaskItem> parse_item(std::string_view line, const std::string& where) {
  SW_ASSIGN(const json object, parse_json(line, where));
  if (!object.is_object()) return fail("is no JSON object", where);
  const Fields fields(object, where);
  TaskItem item;
  SW_ASSIGN(item.id, fields.text("id"));
  SW_ASSIGN(item.task, fields.text("task"));
  SW_ASSIGN(item.history, parse_history(object, fields));
  SW_ASSIGN(item.prompt, fields.text("prompt"));
  if (fields.has("grade")) {
    SW_ASSIGN(item.grade, fields.whole_number("grade", 1, 100));
  }
  if (fields.has("max_tokens")) {
    SW_ASSIGN(item.max_tokens, fields.whole_number("max_tokens", 1, 1 << 20));
  }
  if (fields.has("example")) {
    SW_ASSIGN(item.example, fields.text("example"));
  }
  SW_ASSIGN(const std::string kind, fields.text("kind"));
  SW_ASSIGN(item.scorer, parse_scorer(object, kind, where));
  return item;
}

}  // namespace

Result<std::vector<TaskItem>> parse_tasks(std::string_view jsonl, const std::string& where) {
  std::vector<TaskItem> items;
  std::unordered_set<std::string> ids;
  for (int line_number = 1; !jsonl.empty(); ++line_number) {
    const std::size_t end = std::min(jsonl.find('\n'), jsonl.size());
    const std::string_view line = jsonl.substr(0, end);
    jsonl.remove_prefix(std::min(end + 1, jsonl.size()));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string line_where = fmt::format("{}, line {}", where, line_number);
    SW_ASSIGN(TaskItem item, parse_item(line, line_where));
    if (!ids.insert(item.id).second)
      return fail("the id '" + item.id + "' occurs twice", line_where, "one id per item");
    items.push_back(std::move(item));
  }
  if (items.empty()) return fail("holds no items", where, "one JSON object per line");
  return items;
}

}  // namespace sw
