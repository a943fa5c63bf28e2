#include "json_schema.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

namespace sw::test {
namespace {

using Json = nlohmann::ordered_json;

bool has_type(const std::string& type, const Json& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_number_integer();
  return type == "number" && value.is_number();
}

std::string drawn_text(std::mt19937& random) {
  static const std::vector<std::string> texts = {
      "demo", "What is a KV cache?", "a", "naïve 😀", "\n", "\"quoted\\\"", "<|im_end|>", "0", "[a-z]{2,5}",
      "text", std::string(300, 'x')};
  return texts[random() % texts.size()];
}

}  // namespace

const Json& SchemaReader::resolve(const Json& schema) const {
  const Json* found = &schema;
  while (found->contains("$ref")) {
    const std::string pointer = found->at("$ref").get<std::string>().substr(1);
    found = &document_.at(Json::json_pointer(pointer));
  }
  return *found;
}

std::string SchemaReader::mismatch(const Json& unresolved, const Json& value, const std::string& path) const {
  const Json& schema = resolve(unresolved);
  if (schema.contains("const") && schema["const"] != value) return path + " is not " + schema["const"].dump();
  if (schema.contains("enum") && std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
    return path + " is none of " + schema["enum"].dump();
  if (schema.contains("oneOf")) {
    std::string all;
    for (const Json& way : schema["oneOf"]) {
      const std::string wrong = mismatch(way, value, path);
      if (wrong.empty()) return {};
      all += wrong + "; ";
    }
    return all;
  }
  if (schema.contains("allOf"))
    for (const Json& part : schema["allOf"])
      if (std::string wrong = mismatch(part, value, path); !wrong.empty()) return wrong;
  if (schema.contains("type")) {
    const Json& type = schema["type"];
    const bool fits =
        type.is_string() ? has_type(type, value)
                         : std::any_of(type.begin(), type.end(), [&](const Json& one) { return has_type(one, value); });
    if (!fits) return path + " is no " + type.dump() + ": " + value.dump().substr(0, 80);
  }
  if (value.is_object()) {
    const Json required = schema.value("required", Json::array());
    for (const Json& name : required)
      if (!value.contains(name.get<std::string>())) return path + " lacks " + name.dump();
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [name, its_schema] : properties.items())
      if (value.contains(name))
        if (std::string wrong = mismatch(its_schema, value[name], path + "." + name); !wrong.empty()) return wrong;
  }
  if (value.is_array() && schema.contains("items"))
    for (std::size_t i = 0; i < value.size(); ++i)
      if (std::string wrong = mismatch(schema["items"], value[i], path + "[" + std::to_string(i) + "]"); !wrong.empty())
        return wrong;
  return {};
}

Json SchemaReader::draw(const Json& unresolved, std::mt19937& random, int depth) const {
  const Json& schema = resolve(unresolved);
  if (schema.contains("const")) return schema["const"];
  if (schema.contains("enum")) return schema["enum"][random() % schema["enum"].size()];
  if (schema.contains("oneOf")) return draw(schema["oneOf"][random() % schema["oneOf"].size()], random, depth + 1);
  if (!schema.contains("type")) return nullptr;
  const std::string type =
      schema["type"].is_string() ? schema["type"] : schema["type"][random() % schema["type"].size()];
  if (type == "null") return nullptr;
  if (type == "boolean") return random() % 2 == 0;
  if (type == "string") return drawn_text(random);
  if (type == "integer" || type == "number") {
    const double low = schema.value("minimum", schema.value("exclusiveMinimum", -3.0));
    const double high = std::min(schema.value("maximum", low + 40), low + 1000);
    if (type == "integer")
      return static_cast<std::int64_t>(low) +
             static_cast<std::int64_t>(random() % 5) % (static_cast<std::int64_t>(high - low) + 1);
    return low + (high - low) * static_cast<double>(random() % 1000 + 1) / 1000;
  }
  if (type == "array") {
    Json list = Json::array();
    const std::size_t least = schema.value("minItems", std::size_t{0});
    for (std::size_t n = least + (depth < 6 ? random() % 3 : 0); n > 0; --n)
      list.push_back(draw(schema["items"], random, depth + 1));
    return list;
  }
  Json object = Json::object();
  const Json required = schema.value("required", Json::array());
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, its_schema] : properties.items()) {
    const bool needed = std::find(required.begin(), required.end(), Json(name)) != required.end();
    if (needed || (depth < 6 && random() % 3 == 0)) object[name] = draw(its_schema, random, depth + 1);
  }
  return object;
}

Json spoilt(Json value, std::mt19937& random) {
  static const std::vector<Json> wrong = {nullptr,
                                          true,
                                          -1,
                                          1e308,
                                          "",
                                          "x",
                                          Json::array(),
                                          Json::object(),
                                          1.5,
                                          Json::array({nullptr}),
                                          9223372036854775807,
                                          std::string(2000, '[')};
  if (value.is_object() && !value.empty() && random() % 4 != 0) {
    auto member = value.begin();
    std::advance(member, static_cast<std::ptrdiff_t>(random() % value.size()));
    if (random() % 5 == 0)
      value.erase(member.key());
    else
      *member = spoilt(*member, random);
    return value;
  }
  if (value.is_array() && !value.empty() && random() % 3 != 0) {
    Json& item = value[random() % value.size()];
    item = spoilt(item, random);
    return value;
  }
  return wrong[random() % wrong.size()];
}

std::string broken(std::string bytes, std::mt19937& random) {
  static const std::vector<std::string> pieces = {std::string(1, '\0'),
                                                  "\xff",
                                                  "\xed\xa0\x80",
                                                  "\"",
                                                  "\\",
                                                  "\\u0000",
                                                  "\\ud800",
                                                  "{",
                                                  "]",
                                                  "1e999",
                                                  "-0",
                                                  "18446744073709551616",
                                                  "NaN",
                                                  "\xef\xbb\xbf",
                                                  "<|im_start|>system",
                                                  std::string(70, '['),
                                                  std::string(5000, 'a')};
  const std::size_t at = random() % (bytes.size() + 1);
  switch (random() % 4) {
    case 0:
      return bytes.substr(0, at);
    case 1:
      if (at < bytes.size()) bytes[at] = static_cast<char>(random());
      return bytes;
    case 2:
      return bytes.substr(0, at) + bytes.substr(std::min(bytes.size(), at + random() % 9));
    default:
      return bytes.insert(at, pieces[random() % pieces.size()]);
  }
}

std::size_t setting(const char* name, std::size_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::stoul(value) : otherwise;
}

}  // namespace sw::test
