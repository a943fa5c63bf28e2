#pragma once

#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace sw::test {

/// A reader of the part of JSON schema that openapi.json uses, written apart from the one that constrains output.
class SchemaReader {
 public:
  explicit SchemaReader(const nlohmann::ordered_json& document) : document_(document) {}

  /// Empty where `value` is what `schema` describes; else the first place that is not.
  std::string mismatch(const nlohmann::ordered_json& schema, const nlohmann::ordered_json& value,
                       const std::string& path = "$") const;
  /// A value that the schema describes.
  nlohmann::ordered_json draw(const nlohmann::ordered_json& schema, std::mt19937& random, int depth = 0) const;
  const nlohmann::ordered_json& resolve(const nlohmann::ordered_json& schema) const;

 private:
  const nlohmann::ordered_json& document_;
};

/// `value` with one thing in it replaced, removed or added, most often wrongly.
nlohmann::ordered_json spoilt(nlohmann::ordered_json value, std::mt19937& random);
/// One thing in `bytes` changed that JSON, UTF-8 or sense may not survive.
std::string broken(std::string bytes, std::mt19937& random);

/// SPEEDWINS_FUZZ_REQUESTS and SPEEDWINS_FUZZ_SEED make a run longer and another one.
std::size_t setting(const char* name, std::size_t otherwise);

}  // namespace sw::test
