#include "base/error.hpp"

namespace sw {

std::string Error::message() const {
  std::string line;
  if (!where.empty()) line += where + ": ";
  line += what;
  if (!expected.empty()) line += " (expected " + expected + ")";
  if (!next.empty()) line += ". " + next;
  return line;
}

}  // namespace sw
