#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace sw {

/// A value of a GGUF key. Integers of every width are kept as int64/uint64 and written back in the width they came in.
struct MetadataValue {
  enum class Type : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
  using Strings = std::vector<std::string>;
  using Floats = std::vector<double>;
  using Integers = std::vector<std::int64_t>;  // also bool arrays; u64 values above 2^63 are refused by the reader

  Type type = Type::u32;
  Type element = Type::u32;  ///< of an array
  std::variant<std::int64_t, double, bool, std::string, Strings, Floats, Integers> value;
};

/// GGUF's key/value pairs, in file order; also the common form into which other checkpoints are translated.
class Metadata {
 public:
  using Entries = std::vector<std::pair<std::string, MetadataValue>>;

  Metadata() = default;
  explicit Metadata(Entries entries) : entries_(std::move(entries)) {}  ///< the keys must be distinct

  const MetadataValue* find(std::string_view key) const;
  void set(std::string key, MetadataValue value);  ///< replaces an existing key in place
  void set(std::string key, std::string value);
  void set(std::string key, const char* value) { set(std::move(key), std::string(value)); }
  void set(std::string key, std::uint32_t value);
  void set(std::string key, std::int32_t value);
  void set(std::string key, float value);
  void set(std::string key, bool value);
  void set(std::string key, std::vector<std::string> value);
  void set(std::string key, std::vector<float> value);
  void set(std::string key, std::vector<std::int32_t> value);
  void erase(std::string_view key);

  /// Typed reads. Missing key or another type: an Error naming the key. The `or` forms return the fallback when the
  /// key is missing, and still fail when it has another type or is out of range.
  Result<std::int64_t> integer(std::string_view key) const;
  Result<std::int64_t> integer_or(std::string_view key, std::int64_t fallback) const;
  Result<double> number(std::string_view key) const;  ///< accepts integers and floats
  Result<double> number_or(std::string_view key, double fallback) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;
  Result<std::string> string(std::string_view key) const;
  Result<std::string> string_or(std::string_view key, std::string fallback) const;
  /// Views into this object; null when the key is missing or holds something else.
  const MetadataValue::Strings* strings(std::string_view key) const;
  const MetadataValue::Floats* floats(std::string_view key) const;
  const MetadataValue::Integers* integers(std::string_view key) const;

  const Entries& entries() const { return entries_; }

 private:
  Entries entries_;
};

}  // namespace sw
