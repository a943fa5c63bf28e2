#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "loadtest/answer.hpp"

/// Any bytes as the body of a streamed answer, in pieces cut where its first bytes say: the outcome does not depend on
/// the cuts, and a refusal says why. The same bytes as an answer that is not streamed do no harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = 1 + data[0] % 64u;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

  const auto outcome = [bytes](std::size_t step) {
    sw::loadtest::StreamedReply reply;
    for (std::size_t i = 0; i < bytes.size(); i += step)
      if (const auto fed = reply.feed(bytes.substr(i, step)); !fed) {
        if (fed.error().detail.empty()) std::abort();
        return -1;
      }
    return reply.finish() ? reply.tokens() : -2;
  };
  if (outcome(piece) != outcome(bytes.size())) std::abort();

  for (const char* type : {"application/json", "text/event-stream"}) {
    sw::loadtest::Answer answer;
    if (!answer.on_header(200, type)) std::abort();
    std::int64_t now = 1;
    bool refused = false;
    for (std::size_t i = 0; i < bytes.size() && !refused; i += piece)
      refused = !answer.on_body(bytes.substr(i, piece), now++);
    const bool good = !refused && answer.finish(now).has_value();
    if (good && answer.first_text_ns() < 1) std::abort();
  }
  return 0;
}
