#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "loadtest/reply.hpp"

namespace sw::loadtest {

/// One answer as it arrives: what it says, and when. Instants are nanoseconds of the test's clock.
class Answer {
 public:
  std::expected<void, Failure> on_header(int status, std::string_view content_type);
  std::expected<void, Failure> on_body(std::string_view bytes, std::int64_t now_ns);
  /// The body is complete.
  std::expected<void, Failure> finish(std::int64_t now_ns);

  bool begun() const { return status_ != 0; }
  std::int64_t first_text_ns() const { return first_text_ns_; }
  /// Times between the events that brought text.
  const std::vector<std::int64_t>& gaps_ns() const { return gaps_ns_; }
  int tokens() const { return tokens_; }
  /// Of a finished answer that was not streamed.
  const std::string& text() const { return text_; }
  int events() const { return reply_.events_with_text(); }

 private:
  enum class Body { stream, completion, error };

  int status_ = 0;
  Body body_ = Body::stream;
  StreamedReply reply_;
  std::string body_text_, content_type_;  // of a body that is no stream
  std::string text_;
  std::int64_t first_text_ns_ = -1, last_text_ns_ = -1;
  std::vector<std::int64_t> gaps_ns_;
  int tokens_ = 0;
};

}  // namespace sw::loadtest
