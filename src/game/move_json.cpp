#include "game/move_json.hpp"

#include <fmt/core.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "formats/json.hpp"

namespace sw::game {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t longest_id = 100, longest_text = 1000;

struct Writer {
  const Content& content;
  ordered_json operator()(const Combine& move) const {
    ordered_json out{{"type", "combine"}, {"ingredients", ordered_json::array()}};
    for (const ConceptIndex part : move.ingredients) out["ingredients"].push_back(content[part].id);
    if (move.prediction) out["prediction"] = content[*move.prediction].id;
    return out;
  }
  ordered_json operator()(const AskHint& move) const {
    ordered_json out{{"type", "hint"}};
    if (move.target) out["target"] = content[*move.target].id;
    return out;
  }
  ordered_json operator()(const StartQuiz& move) const {
    return {{"type", "quiz"}, {"scope", to_text(content, move.scope)}};
  }
  ordered_json operator()(const Answer& move) const { return {{"type", "answer"}, {"choice", move.choice}}; }
  ordered_json operator()(const TakeChallenge& move) const {
    return {{"type", "challenge"},
            {"concept", content[move.idea].id},
            {"prediction", move.prediction},
            {"measured", move.measured}};
  }
  ordered_json operator()(const Undo&) const { return {{"type", "undo"}}; }
  ordered_json operator()(const Adopt& move) const { return {{"type", "adopt"}, {"code", move.code}}; }
};

/// Reads the fields of one move. The first thing wrong is kept.
class Fields {
 public:
  Fields(const Content& content, const json& object, const std::string& where)
      : content_(content), object_(object), where_(where) {}

  std::string text(const char* field, std::size_t longest) {
    const auto at = object_.find(field);
    if (at == object_.end() || !at->is_string() || at->get_ref<const std::string&>().size() > longest) {
      wrong(fmt::format("'{}' is missing or no short text", field), fmt::format("a text of at most {} bytes", longest));
      return {};
    }
    return at->get<std::string>();
  }
  std::int64_t number(const char* field) {
    const auto at = object_.find(field);
    if (at == object_.end() || !at->is_number_integer()) {
      wrong(fmt::format("'{}' is missing or no whole number", field), "a whole number");
      return 0;
    }
    return at->get<std::int64_t>();
  }
  double real(const char* field) {
    const auto at = object_.find(field);
    if (at == object_.end() || !at->is_number()) {
      wrong(fmt::format("'{}' is missing or no number", field), "a number");
      return 0;
    }
    return at->get<double>();
  }
  ConceptIndex idea(const char* field) { return idea_of(text(field, longest_id)); }
  std::optional<ConceptIndex> optional_idea(const char* field) {
    const auto at = object_.find(field);
    if (at == object_.end() || at->is_null()) return std::nullopt;
    return idea(field);
  }
  Ingredients ingredients(const char* field) {
    const auto at = object_.find(field);
    if (at == object_.end() || !at->is_array() || at->size() < 2 || at->size() > Ingredients::most) {
      wrong(fmt::format("'{}' is no list of two or three concepts", field), "[\"linear_algebra\", \"probability\"]");
      return {};
    }
    std::vector<ConceptIndex> out;
    for (const json& item : *at) {
      if (!item.is_string())
        wrong(fmt::format("'{}' holds something else than ids", field), "ids of concepts");
      else
        out.push_back(idea_of(item.get_ref<const std::string&>()));
    }
    return Ingredients(out);
  }
  Status status() const { return error_ ? Status(std::unexpected(*error_)) : Status(); }

 private:
  ConceptIndex idea_of(const std::string& id) {
    const auto found = content_.find(id);
    if (!found) wrong(fmt::format("there is no concept '{}'", id.substr(0, longest_id)), "the id of a concept");
    return found.value_or(0);
  }
  void wrong(std::string what, std::string expected) {
    if (!error_) error_ = Error{std::move(what), where_, std::move(expected), {}};
  }

  const Content& content_;
  const json& object_;
  const std::string& where_;
  std::optional<Error> error_;
};

std::optional<int> small_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

ordered_json to_json(const Content& content, const Move& move) {
  ordered_json out = std::visit(Writer{content}, move.action);
  out["at"] = move.at;
  return out;
}

std::string to_text(const Content& content, const Move& move) {
  return to_json(content, move).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<Move> parse_move(const Content& content, const json& object, const std::string& where) {
  if (!object.is_object()) return fail("a move is no object", where, "{\"type\": …, \"at\": …}");
  Fields in(content, object, where);
  Move move{.action = Undo{}, .at = in.number("at")};
  const std::string type = in.text("type", longest_id);
  if (type == "combine") {
    Combine combine{.ingredients = in.ingredients("ingredients"), .prediction = {}};
    combine.prediction = in.optional_idea("prediction");
    move.action = combine;
  } else if (type == "hint") {
    move.action = AskHint{in.optional_idea("target")};
  } else if (type == "quiz") {
    SW_ASSIGN(const Scope scope, parse_scope(content, in.text("scope", longest_id)));
    move.action = StartQuiz{scope};
  } else if (type == "answer") {
    const std::int64_t choice = in.number("choice");
    move.action = Answer{choice >= 0 && choice < 4 ? static_cast<int>(choice) : -1};
  } else if (type == "challenge") {
    TakeChallenge taken{.idea = in.idea("concept")};
    taken.prediction = in.real("prediction");
    taken.measured = in.real("measured");
    move.action = taken;
  } else if (type == "adopt") {
    move.action = Adopt{in.text("code", longest_text)};
  } else if (type != "undo") {
    return fail(fmt::format("there is no move '{}'", type), where,
                "combine, hint, quiz, answer, challenge, undo or adopt");
  }
  SW_TRY(in.status());
  return move;
}

Result<Move> parse_move(const Content& content, std::string_view text, const std::string& where) {
  SW_ASSIGN(const json object, parse_json(text, where));
  return parse_move(content, object, where);
}

std::string to_text(const Content& content, const Scope& scope) {
  switch (scope.kind) {
    case Scope::Kind::module:
      return fmt::format("module:{}", scope.module);
    case Scope::Kind::chapter:
      return fmt::format("chapter:{}:{}", content.paths[scope.path].id, scope.chapter);
    case Scope::Kind::idea:
      return "concept:" + content[scope.idea].id;
    case Scope::Kind::review:
      break;
  }
  return "review";
}

Result<Scope> parse_scope(const Content& content, std::string_view text) {
  const auto unknown = [&] {
    return fail(fmt::format("there is no chapter '{}'", text.substr(0, longest_id)), "scope",
                "module:0 to module:10, chapter:PATH:NUMBER, concept:ID or review");
  };
  if (text == "review") return Scope{};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return unknown();
  const std::string_view kind = text.substr(0, colon), rest = text.substr(colon + 1);
  if (kind == "module") {
    const auto module = small_number(rest);
    if (!module || *module >= n_modules) return unknown();
    return Scope{.kind = Scope::Kind::module, .module = *module};
  }
  if (kind == "concept") {
    const auto idea = content.find(rest);
    if (!idea) return unknown();
    return Scope{.kind = Scope::Kind::idea, .idea = *idea};
  }
  const std::size_t second = rest.find(':');
  if (kind != "chapter" || second == std::string_view::npos) return unknown();
  const auto chapter = small_number(rest.substr(second + 1));
  for (std::size_t path = 0; path < content.paths.size(); ++path)
    if (chapter && content.paths[path].id == rest.substr(0, second) &&
        static_cast<std::size_t>(*chapter) < content.paths[path].chapters.size())
      return Scope{
          .kind = Scope::Kind::chapter, .module = 0, .path = path, .chapter = static_cast<std::size_t>(*chapter)};
  return unknown();
}

}  // namespace sw::game
