#include "formats/byte_reader.hpp"

#include <fmt/format.h>

namespace sw {

std::string ByteReader::where() const {
  return fmt::format("{}, byte {}", file_, position_);
}

std::unexpected<Error> ByteReader::fail_here(std::string what, std::string expected, std::string next) const {
  return fail(std::move(what), where(), std::move(expected), std::move(next));
}

Status ByteReader::expect_items(std::uint64_t count, std::size_t item_bytes, std::string_view subject) const {
  if (count <= remaining() / item_bytes) return {};
  return fail_here(fmt::format("{} is {}", subject, count),
                   fmt::format("at most {}, as {} bytes are left in the file", remaining() / item_bytes, remaining()),
                   "The file is damaged or cut short: download or convert it again");
}

std::unexpected<Error> ByteReader::cut_off(std::string_view subject, std::uint64_t wanted) const {
  return fail_here(fmt::format("the file ends inside {}", subject),
                   fmt::format("{} more bytes where {} are left", wanted, remaining()),
                   "The file is damaged or cut short: download or convert it again");
}

}  // namespace sw
