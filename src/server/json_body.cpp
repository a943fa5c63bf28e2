#include "server/json_body.hpp"

#include <fmt/core.h>

#include <cmath>
#include <vector>

namespace sw {
namespace {

constexpr std::size_t max_depth = 64;
constexpr int max_members = 1024;  // objects that keep their order compare each new name with all others

/// Found before parsing, so that no hostile text makes the parser deep or slow. Right for valid JSON, and no less than
/// a parser would see before its first error.
Api<void> check_shape(std::string_view text) {
  struct Level {
    bool is_object;
    int commas = 0;
  };
  std::vector<Level> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"':
        for (++i; i < text.size() && text[i] != '"'; ++i)
          if (text[i] == '\\') ++i;
        break;
      case '{':
      case '[':
        if (open.size() == max_depth)
          return refuse(400, fmt::format("the JSON is nested more than {} levels deep", max_depth), "invalid_json");
        open.push_back({text[i] == '{'});
        break;
      case '}':
      case ']':
        if (!open.empty()) open.pop_back();
        break;
      case ',':
        if (!open.empty() && open.back().is_object && ++open.back().commas >= max_members)
          return refuse(400, fmt::format("an object has more than {} members", max_members), "invalid_json");
        break;
      default:
        break;
    }
  }
  return {};
}

}  // namespace

Api<Json> parse_body(std::string_view body) {
  SW_TRY(check_shape(body));
  try {
    Json json = Json::parse(body);
    if (!json.is_object()) return refuse(400, "the body must be a JSON object", "invalid_json");
    return json;
  } catch (const nlohmann::json::exception& error) {
    return refuse(400, fmt::format("the body is not JSON: {}", error.what()), "invalid_json");
  }
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json* Fields::find(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void Fields::reject(const std::string& name, std::string message) {
  const std::string path = path_to(name);
  if (!error_) error_ = ApiError{400, fmt::format("{} {}", path, message), "invalid_value", path};
}

void Fields::read(const char* name, bool& value) {
  const Json* field = find(name);
  if (!field) return;
  if (!field->is_boolean()) return reject(name, "must be true or false");
  value = field->get<bool>();
}

void Fields::read(const char* name, std::string& value) {
  const Json* field = find(name);
  if (!field) return;
  if (!field->is_string()) return reject(name, "must be a string");
  value = field->get<std::string>();
}

void Fields::read(const char* name, std::int64_t& value, std::int64_t min, std::int64_t max) {
  const Json* field = find(name);
  if (!field) return;
  const auto wrong = [&] { reject(name, fmt::format("must be a whole number from {} to {}", min, max)); };
  // 5.0 is an integer to JSON schema; some clients write it so.
  constexpr double exact = 9007199254740992;  // 2^53
  if (field->is_number_float()) {
    const double number = field->get<double>();
    if (!(std::abs(number) <= exact) || number != std::floor(number)) return wrong();
  } else if (!field->is_number_integer() ||
             (field->is_number_unsigned() &&
              field->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))) {
    return wrong();
  }
  const std::int64_t number =
      field->is_number_float() ? static_cast<std::int64_t>(field->get<double>()) : field->get<std::int64_t>();
  if (number < min || number > max) return wrong();
  value = number;
}

void Fields::read(const char* name, int& value, int min, int max) {
  std::int64_t number = value;
  read(name, number, min, max);
  value = static_cast<int>(number);
}

void Fields::read(const char* name, double& value, double min, double max) {
  const Json* field = find(name);
  if (!field) return;
  if (!field->is_number() || !(field->get<double>() >= min && field->get<double>() <= max))
    return reject(name, fmt::format("must be a number from {} to {}", min, max));
  value = field->get<double>();
}

void Fields::read(const char* name, float& value, double min, double max) {
  double number = value;
  read(name, number, min, max);
  value = static_cast<float>(number);
}

Api<void> Fields::status() const {
  if (error_) return std::unexpected(*error_);
  return {};
}

}  // namespace sw
