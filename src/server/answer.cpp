#include "server/answer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <random>
#include <utility>

namespace sw {
namespace {

using Clock = std::chrono::steady_clock;

double ms(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::string rate_json(double count, double time_ms) {
  return time_ms > 0 && count > 0 ? fmt::format("{:.2f}", count / time_ms * 1e3) : "null";
}

}  // namespace

std::string AnswerTimings::json() const {
  const int computed = prompt_tokens - cached_tokens;
  const double after_first = n_choices > 0 ? static_cast<double>(new_tokens - n_choices) / n_choices : 0;
  return fmt::format(
      R"({{"queue_ms":{:.3f},"tokenize_ms":{:.3f},"prefill_ms":{:.3f},"ttft_ms":{:.3f},"decode_ms":{:.3f},)"
      R"("total_ms":{:.3f},"prompt_tokens":{},"cached_tokens":{},"new_tokens":{},"prefill_tok_s":{},"decode_tok_s":{}}})",
      queue_ms, tokenize_ms, prefill_ms, ttft_ms, decode_ms, total_ms, prompt_tokens, cached_tokens, new_tokens,
      rate_json(computed, prefill_ms), rate_json(after_first, decode_ms));
}

std::string AnswerTimings::usage_json() const {
  return fmt::format(
      R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{}}}}})",
      prompt_tokens, new_tokens, prompt_tokens + new_tokens, cached_tokens);
}

std::string AnswerTimings::server_timing() const {
  return fmt::format(
      "queue;dur={:.2f}, tokenize;dur={:.2f}, prefill;dur={:.2f};desc=\"{} of {} tokens cached\", decode;dur={:.2f}, "
      "total;dur={:.2f}",
      queue_ms, tokenize_ms, prefill_ms, cached_tokens, prompt_tokens, decode_ms, total_ms);
}

std::string random_id(std::string_view prefix) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  static thread_local std::mt19937_64 random(std::random_device{}());
  std::string id(prefix);
  std::uniform_int_distribution<std::size_t> letter(0, letters.size() - 1);
  for (int i = 0; i < 24; ++i) id += letters[letter(random)];
  return id;
}

http::Response event_stream_head(std::string server_timing, const std::string& id) {
  http::Response head;
  head.content_type = "text/event-stream";
  head.headers = {{"Cache-Control", "no-cache"},
                  {"X-Accel-Buffering", "no"},  // a proxy must not collect the events
                  {"Server-Timing", std::move(server_timing)},
                  {"X-Request-Id", id}};
  return head;
}

std::string_view api_finish_reason(FinishReason reason) {
  return reason == FinishReason::stop ? "stop" : "length";
}

std::optional<ApiError> error_of(const Finish& finish) {
  if (finish.reason == FinishReason::cancelled) return ApiError{503, "the server is stopping", "stopping", {}, 1};
  if (finish.reason == FinishReason::failed)
    return ApiError{500, finish.error ? finish.error->message() : "the model failed", {}, {}, 0};
  return std::nullopt;
}

Answer::Answer(AnswerContext context) : context_(std::move(context)), id_(random_id("")) {
  timings_.tokenize_ms = context_.tokenize_ms;
}

double Answer::since_request(Clock::time_point at) const {
  return ms(at - context_.exchange->request().received);
}

std::string Answer::early_server_timing() const {
  return fmt::format("tokenize;dur={:.2f}, ttft;dur={:.2f}", timings_.tokenize_ms, timings_.ttft_ms);
}

void Answer::submit(std::vector<Request> parts) {
  choices_per_part_ = parts.front().n;
  parts_left_ = static_cast<int>(parts.size());
  choices_left_ = parts_left_ * choices_per_part_;
  last_at_.resize(static_cast<std::size_t>(choices_left_));
  timings_.n_choices = choices_left_;
  for (const Request& part : parts) timings_.prompt_tokens += static_cast<int>(part.prompt.size());

  Engine& engine = context_.model->engine();
  const auto self = shared_from_this();
  context_.exchange->on_close([weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->cancel();
  });
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto id = engine.submit(std::move(parts[i]), context_.model->delivery().sink(self, static_cast<int>(i)));
    if (!id) {
      using Reason = Rejection::Reason;
      const Rejection& rejection = id.error();
      context_.metrics->rejected();
      cancel();
      exchange()->respond(to_response(rejection.reason == Reason::invalid
                                          ? refuse(rejection.error).error()
                                          : ApiError{rejection.reason == Reason::overloaded ? 429 : 503,
                                                     rejection.error.message(),
                                                     "overloaded",
                                                     {},
                                                     rejection.retry_after_s}));
      return;
    }
    const std::scoped_lock lock(mutex_);
    ids_.push_back(*id);
    if (cancelled_) engine.cancel(*id);
  }
}

void Answer::cancel() {
  const std::scoped_lock lock(mutex_);
  cancelled_ = true;
  for (const RequestId id : ids_) context_.model->engine().cancel(id);
}

void Answer::on_error(const ApiError& error) {
  exchange()->respond(to_response(error));
}

void Answer::fail_with(const ApiError& error) {
  over_ = true;
  context_.metrics->failed();
  cancel();
  on_error(error);
}

void Answer::receive(int part, Output&& output, Clock::time_point at) {
  if (output.done) --parts_left_;
  const bool closed = exchange()->closed();
  if (over_ || closed) {
    if (output.done && parts_left_ == 0 && closed && !over_) context_.metrics->cancelled();
    return;
  }
  const int choice = part * choices_per_part_ + output.choice;
  if (!output.tokens.empty() || (output.finish && !output.finish->error)) {
    auto& last = last_at_[static_cast<std::size_t>(choice)];
    const bool is_first = last == Clock::time_point();
    const int n_tokens = static_cast<int>(output.tokens.size());
    if (is_first) {
      if (timings_.ttft_ms == 0) timings_.ttft_ms = since_request(at);
      context_.metrics->first_token(since_request(at));
    } else if (n_tokens > 0) {
      context_.metrics->next_tokens(ms(at - last), n_tokens);
    }
    last = at;
  }
  if (output.finish) {
    if (const auto error = error_of(*output.finish)) return fail_with(*error);
    const RequestTimings& t = output.finish->timings;
    context_.metrics->finished(t);
    timings_.queue_ms = std::max(timings_.queue_ms, t.queue_ms);
    timings_.prefill_ms = std::max(timings_.prefill_ms, t.prefill_ms + t.load_ms);
    timings_.decode_ms = std::max(timings_.decode_ms, t.decode_ms);
    timings_.new_tokens += t.new_tokens;
    if (output.choice == 0) timings_.cached_tokens += t.cached_tokens;
    timings_.total_ms = since_request(at);
    --choices_left_;
  }
  on_output(choice, std::move(output));
  if (choices_left_ == 0 && !over_) {
    over_ = true;
    context_.metrics->completed();
    on_done();
  }
}

}  // namespace sw
