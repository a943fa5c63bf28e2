#include "formats/json.hpp"

namespace sw {
namespace {

constexpr int deepest = 64;

/// Levels of nesting; right for valid JSON, and never less than a parser would see before its first error.
int depth_of(std::string_view text) {
  int depth = 0, most = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      most = std::max(most, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return most;
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, const std::string& where) {
  if (const int depth = depth_of(text); depth > deepest)
    return fail("the JSON is nested " + std::to_string(depth) + " levels deep", where,
                "at most " + std::to_string(deepest));
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    return fail(std::string("is not JSON: ") + error.what(), where, {}, "Download the file again");
  } catch (const nlohmann::json::out_of_range& error) {
    return fail(std::string("holds a number out of range: ") + error.what(), where);
  }
}

}  // namespace sw
