#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/delivery.hpp"
#include "server/http/exchange.hpp"
#include "server/metrics.hpp"
#include "server/served_model.hpp"

namespace sw {

/// What every answer of a model needs.
struct AnswerContext {
  http::ExchangePtr exchange;
  std::shared_ptr<ServedModel> model;
  std::shared_ptr<Metrics> metrics;
  double tokenize_ms = 0;
};

/// Where a request's time went, of all its parts together.
struct AnswerTimings {
  double queue_ms = 0, tokenize_ms = 0, prefill_ms = 0, ttft_ms = 0, decode_ms = 0, total_ms = 0;
  int prompt_tokens = 0, cached_tokens = 0, new_tokens = 0;
  int n_choices = 0;

  std::string json() const;           ///< the object `timings`
  std::string usage_json() const;     ///< the object `usage`
  std::string server_timing() const;  ///< the header Server-Timing
};

/// Submits one HTTP request's requests to the engine and follows them to their end: the client's going away, errors,
/// timings. What the answer looks like is for its kinds.
class Answer : public Receiver, public std::enable_shared_from_this<Answer> {
 public:
  explicit Answer(AnswerContext context);

  /// Once, from any thread. Either the answer goes on with receive(), or the client was told why not.
  void submit(std::vector<Request> parts);
  void receive(int part, Output&& output, std::chrono::steady_clock::time_point at) final;

 protected:
  /// A part's output. `first`: nothing came of this choice before.
  virtual void on_output(int choice, Output&& output) = 0;
  /// All parts are at their end.
  virtual void on_done() = 0;
  /// Tells the client of an error, where the answer has begun already.
  virtual void on_error(const ApiError& error);

  const http::ExchangePtr& exchange() const { return context_.exchange; }
  const ServedModel& model() const { return *context_.model; }
  const AnswerTimings& timings() const { return timings_; }
  /// Times up to now, where the first token has just come.
  std::string early_server_timing() const;
  int choices_per_part() const { return choices_per_part_; }
  /// Of the choice after its last output.
  bool is_last_choice() const { return choices_left_ == 0; }
  const std::string& id() const { return id_; }
  std::time_t created() const { return created_; }

 private:
  void cancel();
  void fail_with(const ApiError& error);
  double since_request(std::chrono::steady_clock::time_point at) const;

  AnswerContext context_;
  AnswerTimings timings_;
  const std::string id_;
  const std::time_t created_ = std::time(nullptr);
  int choices_per_part_ = 1, choices_left_ = 0, parts_left_ = 0;
  std::vector<std::chrono::steady_clock::time_point> last_at_;  // by choice; the epoch: no token yet
  bool over_ = false;

  std::mutex mutex_;
  std::vector<RequestId> ids_;
  bool cancelled_ = false;
};

/// "stop", "length" as OpenAI's clients know them.
std::string_view api_finish_reason(FinishReason reason);
/// What the client is told of a choice that did not end by itself; none where it did.
std::optional<ApiError> error_of(const Finish& finish);

/// A random id: prefix and 24 letters and digits.
std::string random_id(std::string_view prefix);

/// The head of a stream of server-sent events.
http::Response event_stream_head(std::string server_timing, const std::string& id);

}  // namespace sw
