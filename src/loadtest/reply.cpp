#include "loadtest/reply.hpp"

#include "formats/json.hpp"
#include "formats/utf8.hpp"

namespace sw::loadtest {
namespace {

using nlohmann::json;

std::unexpected<Failure> failure(FailureKind kind, std::string detail) {
  return std::unexpected(Failure{kind, std::move(detail)});
}

const json* member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

bool is_text(const json* value) {
  return value && value->is_string() && !value->get_ref<const std::string&>().empty();
}

void append_text(std::string& text, const json* value) {
  if (is_text(value)) text += value->get_ref<const std::string&>();
}

/// Text, reasoning or a tool call: what a user would see begin.
bool says_something(const json& message) {
  const json* calls = member(message, "tool_calls");
  return is_text(member(message, "content")) || is_text(member(message, "reasoning_content")) ||
         (calls && calls->is_array() && !calls->empty());
}

std::string error_message(const json& error) {
  const json* message = member(error, "message");
  return message && message->is_string() ? message->get<std::string>() : error.dump();
}

std::expected<ReplyPart, Failure> parse_object(std::string_view text, FailureKind otherwise) {
  const auto parsed = parse_json(text, {});
  if (!parsed) return failure(otherwise, "not JSON: " + in_quotes(text));
  if (const json* error = member(*parsed, "error"); error && !error->is_null())
    return failure(FailureKind::server_error, error_message(*error));
  const json* choices = member(*parsed, "choices");
  if (!choices || !choices->is_array()) return failure(otherwise, "no 'choices': " + in_quotes(text));

  ReplyPart part;
  for (const json& choice : *choices) {
    const json* reason = member(choice, "finish_reason");
    part.ends |= reason && !reason->is_null();
    part.has_text |= is_text(member(choice, "text"));
    append_text(part.text, member(choice, "text"));
    if (const json* delta = member(choice, "delta")) part.has_text |= says_something(*delta);
    if (const json* message = member(choice, "message")) {
      part.has_text |= says_something(*message);
      append_text(part.text, member(*message, "content"));
    }
  }
  if (const json* usage = member(*parsed, "usage"))
    if (const json* tokens = member(*usage, "completion_tokens");
        tokens && tokens->is_number_integer() && *tokens >= 0 && *tokens <= 1 << 30)
      part.completion_tokens = tokens->get<int>();
  return part;
}

}  // namespace

std::string_view name(FailureKind kind) {
  switch (kind) {
    case FailureKind::connect:
      return "connect";
    case FailureKind::tls:
      return "tls";
    case FailureKind::timeout:
      return "timeout";
    case FailureKind::reset:
      return "reset";
    case FailureKind::http_status:
      return "http_status";
    case FailureKind::not_openai:
      return "not_openai";
    case FailureKind::malformed_event:
      return "malformed_event";
    case FailureKind::server_error:
      return "server_error";
    case FailureKind::truncated:
      return "truncated";
    case FailureKind::empty:
      return "empty";
  }
  return "?";
}

std::expected<ReplyPart, Failure> parse_event(std::string_view data) {
  if (data == "[DONE]") return ReplyPart{.ends = true, .text = {}};
  return parse_object(data, FailureKind::malformed_event);
}

std::expected<ReplyPart, Failure> parse_completion(std::string_view body) {
  return parse_object(body, FailureKind::not_openai);
}

std::expected<bool, Failure> StreamedReply::feed(std::string_view bytes) {
  bool has_text = false;
  std::expected<void, Failure> outcome;
  const Status fed = parser_.feed(bytes, [&](std::string_view data) -> Status {
    const auto part = parse_event(data);
    if (!part) {
      outcome = std::unexpected(part.error());
      return fail("refused");
    }
    ended_ |= part->ends;
    has_text |= part->has_text;
    if (part->has_text) ++events_with_text_;
    if (part->completion_tokens >= 0) completion_tokens_ = part->completion_tokens;
    return {};
  });
  if (!outcome) return std::unexpected(outcome.error());
  if (!fed) return failure(FailureKind::malformed_event, fed.error().what);
  return has_text;
}

std::expected<void, Failure> StreamedReply::finish() const {
  if (!ended_ && parser_.inside_event()) return failure(FailureKind::truncated, "the stream ended inside an event");
  if (!ended_) return failure(FailureKind::truncated, "the stream ended without a finish_reason or [DONE]");
  if (events_with_text_ == 0) return failure(FailureKind::empty, "the answer has no text");
  return {};
}

}  // namespace sw::loadtest
