#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "loadtest/sse.hpp"

namespace sw::loadtest {

/// Why a request gave no answer that counts.
enum class FailureKind : std::uint8_t {
  connect,          ///< no TCP connection
  tls,              ///< no TLS session, or a certificate that is not trusted
  timeout,          ///< not finished in time
  reset,            ///< the connection broke before an answer began
  http_status,      ///< an answer that is not 2xx
  not_openai,       ///< HTTP, but neither an event stream nor a completion
  malformed_event,  ///< an event that is not the JSON of a completion
  server_error,     ///< an error object inside the stream
  truncated,        ///< the stream ended before the answer did
  empty,            ///< an answer without any text
};
std::string_view name(FailureKind kind);

struct Failure {
  FailureKind kind = FailureKind::connect;
  std::string detail;  ///< "HTTP 503", what the library said, the beginning of the answer
};

/// What one event of a streamed answer, or a whole answer, says.
struct ReplyPart {
  bool has_text = false;
  bool ends = false;           ///< [DONE], or a reason to have finished
  int completion_tokens = -1;  ///< of the usage record; −1: none
  std::string text;            ///< of a whole answer; of events it is not kept
};

/// The data of one event of /v1/chat/completions or /v1/completions.
std::expected<ReplyPart, Failure> parse_event(std::string_view data);
/// The body of an answer that is not streamed.
std::expected<ReplyPart, Failure> parse_completion(std::string_view body);

/// Reads a streamed answer from pieces of its body, counting what has arrived.
class StreamedReply {
 public:
  /// Whether these bytes brought text.
  std::expected<bool, Failure> feed(std::string_view bytes);
  /// The stream is over: an Error unless it had said so itself, and had said something.
  std::expected<void, Failure> finish() const;

  int events_with_text() const { return events_with_text_; }
  /// As the server counts; the events with text where it does not say.
  int tokens() const { return completion_tokens_ >= 0 ? completion_tokens_ : events_with_text_; }

 private:
  SseParser parser_;
  bool ended_ = false;
  int events_with_text_ = 0, completion_tokens_ = -1;
};

}  // namespace sw::loadtest
