#include "formats/metadata.hpp"

#include <algorithm>

namespace sw {
namespace {

using Type = MetadataValue::Type;

std::string_view name(Type type) {
  switch (type) {
    case Type::u8:
      return "an unsigned 8-bit integer";
    case Type::i8:
      return "an 8-bit integer";
    case Type::u16:
      return "an unsigned 16-bit integer";
    case Type::i16:
      return "a 16-bit integer";
    case Type::u32:
      return "an unsigned 32-bit integer";
    case Type::i32:
      return "a 32-bit integer";
    case Type::f32:
      return "a 32-bit float";
    case Type::boolean:
      return "a boolean";
    case Type::string:
      return "a string";
    case Type::array:
      return "an array";
    case Type::u64:
      return "an unsigned 64-bit integer";
    case Type::i64:
      return "a 64-bit integer";
    case Type::f64:
      return "a 64-bit float";
  }
  return "a value of unknown type";
}

std::string quoted(std::string_view key) {
  return "metadata key '" + std::string(key) + "'";
}

std::unexpected<Error> missing(std::string_view key) {
  return fail(quoted(key) + " is missing");
}

std::unexpected<Error> mistyped(std::string_view key, const MetadataValue& value, std::string expected) {
  return fail(quoted(key) + " holds " + std::string(name(value.type)), {}, std::move(expected));
}

template <class T>
Result<T> get(std::string_view key, const MetadataValue& value, const char* expected) {
  if (const auto* held = std::get_if<T>(&value.value)) return *held;
  return mistyped(key, value, expected);
}

template <class T>
const T* view(const MetadataValue* value) {
  return value ? std::get_if<T>(&value->value) : nullptr;
}

Result<double> as_number(std::string_view key, const MetadataValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value.value)) return static_cast<double>(*integer);
  return get<double>(key, value, "a number");
}

}  // namespace

const MetadataValue* Metadata::find(std::string_view key) const {
  const auto it = std::ranges::find(entries_, key, &Entries::value_type::first);
  return it == entries_.end() ? nullptr : &it->second;
}

void Metadata::set(std::string key, MetadataValue value) {
  const auto it = std::ranges::find(entries_, key, &Entries::value_type::first);
  if (it != entries_.end())
    it->second = std::move(value);
  else
    entries_.emplace_back(std::move(key), std::move(value));
}

void Metadata::set(std::string key, std::string value) {
  set(std::move(key), MetadataValue{Type::string, {}, std::move(value)});
}

void Metadata::set(std::string key, std::uint32_t value) {
  set(std::move(key), MetadataValue{Type::u32, {}, std::int64_t{value}});
}

void Metadata::set(std::string key, std::int32_t value) {
  set(std::move(key), MetadataValue{Type::i32, {}, std::int64_t{value}});
}

void Metadata::set(std::string key, float value) {
  set(std::move(key), MetadataValue{Type::f32, {}, double{value}});
}

void Metadata::set(std::string key, bool value) {
  set(std::move(key), MetadataValue{Type::boolean, {}, value});
}

void Metadata::set(std::string key, std::vector<std::string> value) {
  set(std::move(key), MetadataValue{Type::array, Type::string, std::move(value)});
}

void Metadata::set(std::string key, std::vector<float> value) {
  set(std::move(key), MetadataValue{Type::array, Type::f32, MetadataValue::Floats(value.begin(), value.end())});
}

void Metadata::set(std::string key, std::vector<std::int32_t> value) {
  set(std::move(key), MetadataValue{Type::array, Type::i32, MetadataValue::Integers(value.begin(), value.end())});
}

void Metadata::erase(std::string_view key) {
  std::erase_if(entries_, [&](const auto& entry) { return entry.first == key; });
}

Result<std::int64_t> Metadata::integer(std::string_view key) const {
  const auto* value = find(key);
  return value ? get<std::int64_t>(key, *value, "an integer") : missing(key);
}

Result<std::int64_t> Metadata::integer_or(std::string_view key, std::int64_t fallback) const {
  const auto* value = find(key);
  return value ? get<std::int64_t>(key, *value, "an integer") : fallback;
}

Result<double> Metadata::number(std::string_view key) const {
  const auto* value = find(key);
  return value ? as_number(key, *value) : missing(key);
}

Result<double> Metadata::number_or(std::string_view key, double fallback) const {
  const auto* value = find(key);
  return value ? as_number(key, *value) : fallback;
}

Result<bool> Metadata::boolean_or(std::string_view key, bool fallback) const {
  const auto* value = find(key);
  return value ? get<bool>(key, *value, "a boolean") : fallback;
}

Result<std::string> Metadata::string(std::string_view key) const {
  const auto* value = find(key);
  return value ? get<std::string>(key, *value, "a string") : missing(key);
}

Result<std::string> Metadata::string_or(std::string_view key, std::string fallback) const {
  const auto* value = find(key);
  return value ? get<std::string>(key, *value, "a string") : Result<std::string>(std::move(fallback));
}

const MetadataValue::Strings* Metadata::strings(std::string_view key) const {
  return view<MetadataValue::Strings>(find(key));
}

const MetadataValue::Floats* Metadata::floats(std::string_view key) const {
  return view<MetadataValue::Floats>(find(key));
}

const MetadataValue::Integers* Metadata::integers(std::string_view key) const {
  return view<MetadataValue::Integers>(find(key));
}

}  // namespace sw
