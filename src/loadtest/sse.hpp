#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace sw::loadtest {

/// Takes server-sent events out of a stream, however it is cut into pieces (WHATWG HTML, section 9.2).
class SseParser {
 public:
  /// An Error from it ends feed() with that error.
  using OnData = std::function<Status(std::string_view data)>;

  /// Calls `on_data` with the data of each event that these bytes complete. An event beyond 1 MiB is an Error.
  Status feed(std::string_view bytes, const OnData& on_data);
  /// Whether an event has begun that no blank line has ended: what a stream looks like that was cut off.
  bool inside_event() const { return !line_.empty() || has_data_; }

 private:
  Status end_line(const OnData& on_data);

  std::string line_, data_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool at_start_ = true;
};

}  // namespace sw::loadtest
