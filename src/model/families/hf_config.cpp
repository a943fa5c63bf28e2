#include "model/families/hf_config.hpp"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

namespace sw {
namespace {

using Json = nlohmann::json;
using Type = MetadataValue::Type;

constexpr int max_depth = 16;
constexpr std::size_t max_entries = 4096;  // published ones hold a few dozen

bool all(const Json& array, bool (Json::*is)() const noexcept) {
  return std::ranges::all_of(array, [is](const Json& item) { return (item.*is)(); });
}

void add_array(const std::string& key, const Json& array, Metadata& out) {
  if (all(array, &Json::is_string))
    out.set(key, array.get<MetadataValue::Strings>());
  else if (all(array, &Json::is_number))
    out.set(key, MetadataValue{Type::array, Type::f64, array.get<MetadataValue::Floats>()});
}

void add(const std::string& key, const Json& value, int depth, Metadata& out) {
  if (out.entries().size() > max_entries) return;
  if (value.is_object() && depth < max_depth) {
    for (const auto& [name, inner] : value.items()) add(key.empty() ? name : key + '.' + name, inner, depth + 1, out);
  } else if (value.is_string()) {
    out.set(key, value.get<std::string>());
  } else if (value.is_boolean()) {
    out.set(key, value.get<bool>());
  } else if (value.is_number_float()) {
    out.set(key, MetadataValue{Type::f64, {}, value.get<double>()});
  } else if (value.is_number_unsigned() &&
             value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    out.set(key, MetadataValue{Type::f64, {}, value.get<double>()});
  } else if (value.is_number_integer()) {
    out.set(key, MetadataValue{Type::i64, {}, value.get<std::int64_t>()});
  } else if (value.is_array()) {
    add_array(key, value, out);
  }
}

}  // namespace

Result<Metadata> flatten_config(const Json& config) {
  if (!config.is_object()) return fail("config.json is not a JSON object");
  Metadata out;
  add({}, config, 0, out);
  if (out.entries().size() > max_entries)
    return fail("config.json holds too many entries", {}, "at most " + std::to_string(max_entries));
  return out;
}

}  // namespace sw
