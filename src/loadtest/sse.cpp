#include "loadtest/sse.hpp"

#include <algorithm>

namespace sw::loadtest {
namespace {

constexpr std::size_t largest_event = 1 << 20;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

Status SseParser::end_line(const OnData& on_data) {
  std::string_view line = line_;
  if (at_start_ && line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
  at_start_ = false;
  if (line.empty()) {
    Status status;
    if (has_data_) status = on_data(data_);
    has_data_ = false;
    data_.clear();
    line_.clear();
    return status;
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  if (line.substr(0, colon) == "data") {
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  }
  line_.clear();
  return {};
}

Status SseParser::feed(std::string_view bytes, const OnData& on_data) {
  while (!bytes.empty()) {
    // "\r\n" is one line end, also when a piece ends between the two.
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + data_.size() + part.size() > largest_event)
      return fail("an event is larger than 1 MiB", {}, "events of a few hundred bytes");
    line_ += part;
    if (end == bytes.npos) return {};
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    SW_TRY(end_line(on_data));
  }
  return {};
}

}  // namespace sw::loadtest
