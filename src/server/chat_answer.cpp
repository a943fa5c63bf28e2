#include "server/chat_answer.hpp"

#include <fmt/core.h>

#include <utility>

#include "server/logprobs_json.hpp"

namespace sw {
namespace {

void append(std::string& out, std::string_view separator, std::string_view text) {
  if (!out.empty() && !text.empty()) out += separator;
  out += text;
}

}  // namespace

ChatAnswer::ChatAnswer(AnswerContext context, const ChatRequest& asked)
    : Answer(std::move(context)),
      streamed_(asked.common.stream),
      include_usage_(asked.common.include_usage),
      wants_logprobs_(asked.common.request.sampling.top_logprobs >= 0) {
  head_ = fmt::format(R"("id":"chatcmpl-{}","object":"chat.completion{}","created":{},"model":)", id(),
                      streamed_ ? ".chunk" : "", created());
  http::append_json_string(head_, model().name());
  head_ += R"(,"system_fingerprint":"speedwins")";
  const ToolFormat format = asked.chat.tools.empty() ? ToolFormat::none : model().tool_format();
  choices_.assign(static_cast<std::size_t>(asked.common.request.n), Choice(format));
}

std::string ChatAnswer::calls_json(Choice& choice, const std::vector<ToolCall>& calls, bool with_index) const {
  std::string out;
  for (const ToolCall& call : calls) {
    append(out, ",", "{");
    if (with_index) out += fmt::format(R"("index":{},)", choice.n_calls);
    ++choice.n_calls;
    out += fmt::format(R"("id":"{}","type":"function","function":{{"name":)", random_id("call_"));
    http::append_json_string(out, call.name);
    out += R"(,"arguments":)";
    http::append_json_string(out, call.arguments);
    out += "}}";
  }
  return out;
}

void ChatAnswer::stream(int index, const std::string& delta, const std::string& logprobs,
                        std::string_view finish_reason) {
  std::string event =
      fmt::format(R"(data: {{{},"choices":[{{"index":{},"delta":{{{}}},"logprobs":)", head_, index, delta);
  if (logprobs.empty())
    event += "null";
  else
    event += fmt::format(R"({{"content":[{}]}})", logprobs);
  event += R"(,"finish_reason":)";
  event += finish_reason.empty() ? "null" : fmt::format(R"("{}")", finish_reason);
  event += "}]";
  if (include_usage_) event += R"(,"usage":null)";
  if (!finish_reason.empty() && is_last_choice() && !include_usage_)
    event += fmt::format(R"(,"timings":{})", timings().json());
  event += "}\n\n";
  exchange()->write(event);
}

void ChatAnswer::on_output(int index, Output&& output) {
  Choice& choice = choices_[static_cast<std::size_t>(index)];
  ToolCallParser::Piece piece = choice.parser.push(output.text);
  if (output.finish) {
    ToolCallParser::Piece last = choice.parser.finish();
    piece.text += last.text;
    piece.calls.insert(piece.calls.end(), last.calls.begin(), last.calls.end());
    choice.finish_reason = choice.parser.found_calls() && output.finish->reason == FinishReason::stop
                               ? "tool_calls"
                               : std::string(api_finish_reason(output.finish->reason));
  }
  const std::string logprobs = wants_logprobs_ ? chat_logprobs_json(output.tokens, model().tokenizer()) : "";
  if (!streamed_) {
    choice.text += piece.text;
    append(choice.logprobs, ",", logprobs);
    append(choice.calls, ",", calls_json(choice, piece.calls, false));
    return;
  }
  if (!exchange()->begun()) exchange()->begin(event_stream_head(early_server_timing(), "chatcmpl-" + id()));
  std::string delta;
  if (!std::exchange(choice.has_begun, true)) delta = R"("role":"assistant","content":"")";
  if (!piece.text.empty()) {
    delta = delta.empty() ? R"("content":)" : R"("role":"assistant","content":)";
    http::append_json_string(delta, piece.text);
  }
  if (!piece.calls.empty())
    append(delta, ",", fmt::format(R"("tool_calls":[{}])", calls_json(choice, piece.calls, true)));
  if (!delta.empty() || !logprobs.empty()) stream(index, delta.empty() ? R"("content":"")" : delta, logprobs, {});
  if (output.finish) stream(index, {}, {}, choice.finish_reason);
}

void ChatAnswer::on_done() {
  if (streamed_) {
    if (include_usage_)
      exchange()->write(fmt::format("data: {{{},\"choices\":[],\"usage\":{},\"timings\":{}}}\n\n", head_,
                                    timings().usage_json(), timings().json()));
    exchange()->write("data: [DONE]\n\n");
    return exchange()->end();
  }
  std::string choices;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const Choice& choice = choices_[i];
    append(choices, ",", fmt::format(R"({{"index":{},"message":{{"role":"assistant","content":)", i));
    if (choice.n_calls > 0 && choice.text.empty())
      choices += "null";
    else
      http::append_json_string(choices, choice.text);
    choices += R"(,"refusal":null)";
    if (choice.n_calls > 0) choices += fmt::format(R"(,"tool_calls":[{}])", choice.calls);
    choices += R"(},"logprobs":)";
    choices += wants_logprobs_ ? fmt::format(R"({{"content":[{}]}})", choice.logprobs) : "null";
    choices += fmt::format(R"(,"finish_reason":"{}"}})", choice.finish_reason);
  }
  http::Response response;
  response.body = fmt::format(R"({{{},"choices":[{}],"usage":{},"timings":{}}})", head_, choices,
                              timings().usage_json(), timings().json());
  response.headers = {{"Server-Timing", timings().server_timing()}, {"X-Request-Id", "chatcmpl-" + id()}};
  exchange()->respond(std::move(response));
}

void ChatAnswer::on_error(const ApiError& error) {
  if (!exchange()->begun()) return Answer::on_error(error);
  exchange()->write("data: " + to_response(error).body + "\n\n");
  exchange()->end();
}

}  // namespace sw
