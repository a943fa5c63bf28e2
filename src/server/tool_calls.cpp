#include "server/tool_calls.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "decode/json_schema_expression.hpp"

namespace sw {
namespace {

constexpr std::string_view open_tag = "<tool_call>", close_tag = "</tool_call>";

/// The call that `text` is, with its arguments under either of the two usual names.
std::optional<ToolCall> parse_call(std::string_view text) {
  const auto body = parse_body(text);
  if (!body || !body->contains("name") || !(*body)["name"].is_string()) return std::nullopt;
  ToolCall call{(*body)["name"].get<std::string>(), "{}"};
  for (const char* name : {"arguments", "parameters"})
    if (const auto arguments = body->find(name); arguments != body->end()) {
      call.arguments = arguments->is_string() ? arguments->get<std::string>() : dump(*arguments);
      return call;
    }
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// The length of the longest end of `text` that begins `word`.
std::size_t partial_match(std::string_view text, std::string_view word) {
  for (std::size_t n = std::min(text.size(), word.size() - 1); n > 0; --n)
    if (text.ends_with(word.substr(0, n))) return n;
  return 0;
}

/// A rule may be called with numbers of its own grammar; here several grammars become one.
Expression renumbered(const Expression& e, int offset) {
  ByteExpression copy = *e;
  if (copy.kind == ByteExpression::Kind::rule) copy.rule += offset;
  for (Expression& part : copy.parts) part = renumbered(part, offset);
  return std::make_shared<const ByteExpression>(std::move(copy));
}

}  // namespace

ToolFormat tool_format_of(std::string_view chat_template) {
  const auto has = [&](std::string_view text) { return chat_template.find(text) != std::string_view::npos; };
  if (!has("tools")) return ToolFormat::none;
  if (has(open_tag)) return ToolFormat::tagged;
  return has("parameters") && has("name") ? ToolFormat::json : ToolFormat::none;
}

void ToolCallParser::take_tagged(Piece& piece) {
  for (;;) {
    const auto begin = held_.find(open_tag);
    if (begin == std::string::npos) return;
    const auto end = held_.find(close_tag, begin);
    if (end == std::string::npos) return;
    const auto inside = std::string_view(held_).substr(begin + open_tag.size(), end - begin - open_tag.size());
    std::size_t shown = begin;
    if (auto call = parse_call(trimmed(inside))) {
      ++n_calls_;
      piece.calls.push_back(std::move(*call));
      const std::string_view before = std::string_view(held_).substr(0, begin);
      // The line breaks that set calls apart are no text.
      if (const auto text = trimmed(before); !text.empty())
        piece.text += before.substr(0, before.find_last_not_of("\n") + 1);
    } else {
      shown = end + close_tag.size();
      piece.text += std::string_view(held_).substr(0, shown);
    }
    held_.erase(0, end + close_tag.size());
  }
}

ToolCallParser::Piece ToolCallParser::push(std::string_view text) {
  if (format_ == ToolFormat::none || is_text_) return {std::string(text), {}};
  held_ += text;
  Piece piece;
  if (format_ == ToolFormat::json) {
    const auto first = held_.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || held_[first] == '{') return piece;  // the end tells whether it is a call
    is_text_ = true;
    piece.text = std::exchange(held_, {});
    return piece;
  }
  take_tagged(piece);
  if (held_.find(open_tag) != std::string::npos) {
    const auto begin = held_.find(open_tag);
    const std::string_view before = std::string_view(held_).substr(0, begin);
    if (!trimmed(before).empty()) {
      piece.text += before;
      held_.erase(0, begin);
    }
    return piece;
  }
  if (n_calls_ > 0 && trimmed(held_).empty()) return piece;
  const std::size_t keep = partial_match(held_, open_tag);
  piece.text += std::string_view(held_).substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return piece;
}

ToolCallParser::Piece ToolCallParser::finish() {
  Piece piece;
  std::string rest = std::exchange(held_, {});
  std::string_view call = trimmed(rest);
  // A model may end right after the call's last brace.
  if (format_ == ToolFormat::tagged && call.starts_with(open_tag))
    call = trimmed(call.substr(open_tag.size()));
  else if (format_ == ToolFormat::tagged)
    call = {};
  if (auto parsed = call.empty() ? std::nullopt : parse_call(call)) {
    ++n_calls_;
    piece.calls.push_back(std::move(*parsed));
  } else if (n_calls_ == 0 || !trimmed(rest).empty()) {
    piece.text = std::move(rest);
  }
  return piece;
}

Api<std::vector<Expression>> tool_call_rules(const Json& tools, const ToolChoice& choice, ToolFormat format,
                                             bool parallel) {
  const bool tagged = format == ToolFormat::tagged;
  std::vector<Expression> rules(1);
  std::vector<Expression> calls;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const Json& function = tools[i]["function"];
    const std::string name = function["name"].get<std::string>();
    if (choice.kind == ToolChoice::Kind::function && choice.function != name) continue;
    auto arguments = json_schema_rules(function["parameters"]);
    if (!arguments) return refuse(arguments.error(), fmt::format("tools[{}].function.parameters", i));
    const int offset = static_cast<int>(rules.size());
    for (const Expression& rule : *arguments) rules.push_back(renumbered(rule, offset));
    calls.push_back(sequence(
        {literal(fmt::format(R"({{"name": {}, "{}": )", dump(Json(name)), tagged ? "arguments" : "parameters")),
         call_rule(offset), literal("}")}));
  }
  Expression call = sw::choice(std::move(calls));
  if (tagged) call = sequence({literal("<tool_call>\n"), std::move(call), literal("\n</tool_call>")});
  rules.push_back(std::move(call));
  const Expression one = call_rule(static_cast<int>(rules.size()) - 1);
  rules[0] = tagged && parallel ? sequence({one, repeat(sequence({literal("\n"), one}), 0, 15)}) : one;
  return rules;
}

}  // namespace sw
