#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>
#include "server/api_error.hpp"

namespace sw {

/// Properties keep the order they were written in: it is the order of a schema's answer and of a template's text.
using Json = nlohmann::ordered_json;

/// A request's body: one JSON object of at most 64 levels and 1024 members each.
Api<Json> parse_body(std::string_view body);

/// Compact text; what is not UTF-8 becomes U+FFFD.
std::string dump(const Json& json);

/// Reads the fields of an object. A field that is absent or null leaves its variable as it is; the first one that is
/// not what it should be is the error of status(), with its path as `param`.
class Fields {
 public:
  explicit Fields(const Json& object, std::string path = {}) : object_(object), path_(std::move(path)) {}

  /// Null where the field is absent or null.
  const Json* find(const char* name) const;
  void read(const char* name, bool& value);
  void read(const char* name, std::string& value);
  void read(const char* name, std::int64_t& value, std::int64_t min, std::int64_t max);
  void read(const char* name, int& value, int min, int max);
  void read(const char* name, float& value, double min, double max);
  void read(const char* name, double& value, double min, double max);

  void reject(const std::string& name, std::string message);
  std::string path_to(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }
  Api<void> status() const;

 private:
  const Json& object_;
  const std::string path_;
  std::optional<ApiError> error_;
};

}  // namespace sw
