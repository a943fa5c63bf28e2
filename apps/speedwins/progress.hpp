#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace sw {

/// Shows "VERB 42% of 349 MB" on stderr while a file is written: on a terminal only, one line that goes when done.
std::function<void(std::uint64_t written, std::uint64_t total)> write_progress(std::string verb);

/// "349.1 MB": decimal, as model sizes are published.
std::string human_bytes(std::uint64_t bytes);

}  // namespace sw
