#include "server/completion_answer.hpp"

#include <fmt/core.h>

#include <utility>

#include "server/logprobs_json.hpp"

namespace sw {

CompletionAnswer::CompletionAnswer(AnswerContext context, const CompletionRequest& asked,
                                   std::vector<std::string> echoes)
    : Answer(std::move(context)),
      streamed_(asked.common.stream),
      include_usage_(asked.common.include_usage),
      wants_logprobs_(asked.common.request.sampling.top_logprobs >= 0),
      echoes_(std::move(echoes)) {
  head_ = fmt::format(R"("id":"cmpl-{}","object":"text_completion","created":{},"model":)", id(), created());
  http::append_json_string(head_, model().name());
  head_ += R"(,"system_fingerprint":"speedwins")";
  choices_.resize(asked.prompts.size() * static_cast<std::size_t>(asked.common.request.n));
}

std::string CompletionAnswer::choice_json(std::size_t index, std::string_view text,
                                          const std::vector<SampledToken>& tokens, std::string_view finish_reason) {
  std::string out = fmt::format(R"({{"index":{},"text":)", index);
  http::append_json_string(out, text);
  out += R"(,"logprobs":)";
  if (wants_logprobs_) {
    std::string pieces, logprobs, tops, offsets;
    std::size_t& offset = choices_[index].offset;
    for (const SampledToken& token : tokens) {
      const char* separator = pieces.empty() ? "" : ",";
      const std::string_view piece = model().tokenizer().piece(token.token);
      pieces += separator;
      http::append_json_string(pieces, piece);
      logprobs += separator + logprob_json(token.logprob);
      offsets += fmt::format("{}{}", separator, offset);
      offset += piece.size();
      std::string top;
      for (const TokenLogprob& one : token.top) {
        if (!top.empty()) top += ',';
        http::append_json_string(top, model().tokenizer().piece(one.token));
        top += ':' + logprob_json(one.logprob);
      }
      tops += fmt::format("{}{{{}}}", separator, top);
    }
    out += fmt::format(R"({{"tokens":[{}],"token_logprobs":[{}],"top_logprobs":[{}],"text_offset":[{}]}})", pieces,
                       logprobs, tops, offsets);
  } else {
    out += "null";
  }
  out += R"(,"finish_reason":)";
  out += finish_reason.empty() ? "null" : fmt::format(R"("{}")", finish_reason);
  out += '}';
  return out;
}

void CompletionAnswer::on_output(int index, Output&& output) {
  const auto i = static_cast<std::size_t>(index);
  Choice& choice = choices_[i];
  const bool is_first = !std::exchange(choice.has_begun, true);
  if (is_first && !echoes_.empty()) output.text.insert(0, echoes_[i / static_cast<std::size_t>(choices_per_part())]);
  if (output.finish) choice.finish_reason = api_finish_reason(output.finish->reason);
  if (!streamed_) {
    choice.text += output.text;
    choice.tokens.insert(choice.tokens.end(), output.tokens.begin(), output.tokens.end());
    return;
  }
  if (!exchange()->begun()) exchange()->begin(event_stream_head(early_server_timing(), "cmpl-" + id()));
  if (output.text.empty() && !output.finish && !(wants_logprobs_ && !output.tokens.empty())) return;
  std::string event = fmt::format(R"(data: {{{},"choices":[{}])", head_,
                                  choice_json(i, output.text, output.tokens, choice.finish_reason));
  if (include_usage_) event += R"(,"usage":null)";
  if (output.finish && is_last_choice() && !include_usage_) event += fmt::format(R"(,"timings":{})", timings().json());
  exchange()->write(event + "}\n\n");
}

void CompletionAnswer::on_done() {
  if (streamed_) {
    if (include_usage_)
      exchange()->write(fmt::format("data: {{{},\"choices\":[],\"usage\":{},\"timings\":{}}}\n\n", head_,
                                    timings().usage_json(), timings().json()));
    exchange()->write("data: [DONE]\n\n");
    return exchange()->end();
  }
  std::string choices;
  for (std::size_t i = 0; i < choices_.size(); ++i)
    choices += (i > 0 ? "," : "") + choice_json(i, choices_[i].text, choices_[i].tokens, choices_[i].finish_reason);
  http::Response response;
  response.body = fmt::format(R"({{{},"choices":[{}],"usage":{},"timings":{}}})", head_, choices,
                              timings().usage_json(), timings().json());
  response.headers = {{"Server-Timing", timings().server_timing()}, {"X-Request-Id", "cmpl-" + id()}};
  exchange()->respond(std::move(response));
}

void CompletionAnswer::answer_empty(int prompt_tokens) {
  AnswerTimings none;
  none.prompt_tokens = prompt_tokens;
  std::string choices;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const std::string_view text =
        echoes_.empty() ? std::string_view() : echoes_[i / (choices_.size() / echoes_.size())];
    choices += (i > 0 ? "," : "") + choice_json(i, text, {}, "length");
  }
  const std::string body =
      fmt::format(R"({{{},"choices":[{}],"usage":{},"timings":{}}})", head_, choices, none.usage_json(), none.json());
  if (!streamed_) {
    http::Response response;
    response.body = body;
    return exchange()->respond(std::move(response));
  }
  exchange()->begin(event_stream_head("total;dur=0", "cmpl-" + id()));
  exchange()->write("data: " + body + "\n\ndata: [DONE]\n\n");
  exchange()->end();
}

void CompletionAnswer::on_error(const ApiError& error) {
  if (!exchange()->begun()) return Answer::on_error(error);
  exchange()->write("data: " + to_response(error).body + "\n\n");
  exchange()->end();
}

}  // namespace sw
