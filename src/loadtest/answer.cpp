#include "loadtest/answer.hpp"

#include <fmt/core.h>

#include "formats/utf8.hpp"

namespace sw::loadtest {
namespace {

constexpr std::size_t largest_completion = 16 << 20, largest_error = 512;

}  // namespace

std::expected<void, Failure> Answer::on_header(int status, std::string_view content_type) {
  status_ = status;
  content_type_ = content_type;
  if (status < 200 || status >= 300)
    body_ = Body::error;
  else if (content_type.starts_with("text/event-stream"))
    body_ = Body::stream;
  else if (content_type.starts_with("application/json"))
    body_ = Body::completion;
  else
    return std::unexpected(Failure{FailureKind::not_openai, "the answer's type is " + in_quotes(content_type)});
  return {};
}

std::expected<void, Failure> Answer::on_body(std::string_view bytes, std::int64_t now_ns) {
  if (body_ == Body::stream) {
    const auto has_text = reply_.feed(bytes);
    if (!has_text) return std::unexpected(has_text.error());
    if (!*has_text) return {};
    if (first_text_ns_ < 0)
      first_text_ns_ = now_ns;
    else
      gaps_ns_.push_back(now_ns - last_text_ns_);
    last_text_ns_ = now_ns;
    return {};
  }
  const std::size_t limit = body_ == Body::error ? largest_error : largest_completion;
  if (body_ == Body::completion && body_text_.size() + bytes.size() > limit)
    return std::unexpected(Failure{FailureKind::not_openai, "the answer is larger than 16 MiB"});
  body_text_ += bytes.substr(0, limit - body_text_.size());
  return {};
}

std::expected<void, Failure> Answer::finish(std::int64_t now_ns) {
  if (body_ == Body::error)
    return std::unexpected(Failure{FailureKind::http_status, fmt::format("HTTP {}: {}", status_, in_quotes(body_text_))});
  if (body_ == Body::stream) {
    tokens_ = reply_.tokens();
    return reply_.finish();
  }
  auto completion = parse_completion(body_text_);
  if (!completion) return std::unexpected(completion.error());
  if (!completion->has_text) return std::unexpected(Failure{FailureKind::empty, "the answer has no text"});
  first_text_ns_ = now_ns;
  tokens_ = std::max(completion->completion_tokens, 1);
  text_ = std::move(completion->text);
  return {};
}

}  // namespace sw::loadtest
