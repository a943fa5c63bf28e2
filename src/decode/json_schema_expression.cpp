#include "decode/json_schema_expression.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "decode/integer_range.hpp"
#include "decode/regex_expression.hpp"

namespace sw {
namespace {

using Json = nlohmann::ordered_json;

constexpr int max_count = 10000;  // of items, characters, properties
constexpr std::size_t max_rules = 5000;

constexpr std::array annotations = {
    "title",    "description", "default",          "examples",        "$schema",      "$id",
    "$comment", "deprecated",  "readOnly",         "writeOnly",       "$defs",        "definitions",
    "strict",   "$anchor",     "contentMediaType", "contentEncoding", "discriminator"};

Expression space() {
  ByteSet indentation;
  indentation.set(' ').set('\t');
  return optional(choice({literal(" "), sequence({literal("\n"), repeat(byte_of(indentation), 0, 20)})}));
}

Expression regex(std::string_view pattern) {
  return *parse_regex(pattern);  // of our own patterns below
}

/// One character of a string as a writer may put it, \u escapes of whole characters included.
Expression any_character() {
  const CodePoints bare = complement({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}});
  return choice({utf8(bare), regex(R"(\\(["\\/bfnrt]|u([0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))"
                                   R"(|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))")});
}

/// The formats with a fixed form.
std::optional<std::string_view> pattern_of_format(std::string_view format) {
  static constexpr std::string_view date = R"([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]))";
  static constexpr std::string_view time =
      R"(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))";
  if (format == "date") return date;
  if (format == "time") return time;
  if (format == "uuid") return R"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})";
  if (format == "email")
    return R"([A-Za-z0-9_+-]{1,32}(\.[A-Za-z0-9_+-]{1,32}){0,3}@[A-Za-z0-9-]{1,32}(\.[A-Za-z0-9-]{1,32}){0,3}\.[A-Za-z]{2,16})";
  if (format == "ipv4") return R"(((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9]))";
  if (format == "date-time")
    return R"([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))";
  return std::nullopt;
}

class Compiler {
 public:
  explicit Compiler(const Json& root) : root_(root) {}

  /// Rules that every document may use, after the document's own.
  void add_common_rules() {
    rules_.resize(n_common);
    rules_[character] = any_character();
    rules_[string] = sequence({literal("\""), repeat(call_rule(character), 0, -1), literal("\"")});
    rules_[number] = regex(R"(-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,16})?([eE][+-]?[0-9]{1,2})?)");
    rules_[value] = choice({call_rule(object), call_rule(array), call_rule(string), call_rule(number), literal("true"),
                            literal("false"), literal("null")});
    rules_[object] = map_of(call_rule(value), 0, -1);
    rules_[array] = list_of(call_rule(value), 0, -1);
    rules_[document] = call_rule(object);
  }

  Status compile_document() {
    SW_ASSIGN(Expression whole, schema(root_, "#"));
    rules_[document] = std::move(whole);
    return {};
  }

  std::vector<Expression> take() { return std::move(rules_); }

 private:
  enum Common : int { document, value, object, array, string, number, character, n_common };

  static std::unexpected<Error> error(std::string what, const std::string& where, std::string expected = {}) {
    return fail(std::move(what), "schema, " + where, std::move(expected));
  }

  Result<Expression> rule_of(Expression expression) {
    if (rules_.size() >= max_rules) return error("is too large", "#");
    rules_.push_back(std::move(expression));
    return call_rule(static_cast<int>(rules_.size()) - 1);
  }

  static Expression key(std::string_view name) {
    return sequence({literal(Json(std::string(name)).dump() + ":"), space()});
  }

  Expression list_of(Expression item, int min, int max) const {
    if (max == 0) return literal("[]");
    const Expression more = sequence({literal(","), space(), item});
    Expression items = sequence({item, repeat(more, std::max(min - 1, 0), max < 0 ? -1 : max - 1), space()});
    if (min == 0) items = optional(std::move(items));
    return sequence({literal("["), space(), std::move(items), literal("]")});
  }

  Expression map_of(Expression of, int min, int max) const {
    if (max == 0) return literal("{}");
    const Expression member = sequence({call_rule(string), literal(":"), space(), std::move(of)});
    const Expression more = sequence({literal(","), space(), member});
    Expression members = sequence({member, repeat(more, std::max(min - 1, 0), max < 0 ? -1 : max - 1), space()});
    if (min == 0) members = optional(std::move(members));
    return sequence({literal("{"), space(), std::move(members), literal("}")});
  }

  Result<Expression> schema(const Json& s, const std::string& where) {
    if (s.is_boolean()) return s.get<bool>() ? call_rule(value) : choice({});
    if (!s.is_object()) return error("is neither an object nor true or false", where);
    if (const auto ref = s.find("$ref"); ref != s.end()) {
      SW_TRY(only(s, where, {"$ref"}));
      return reference(*ref, where);
    }
    if (const auto values = s.find("enum"); values != s.end()) return enumeration(s, *values, where);
    if (const auto constant = s.find("const"); constant != s.end()) {
      SW_TRY(only(s, where, {"const", "type"}));
      return literal(constant->dump());
    }
    for (const char* any : {"anyOf", "oneOf"})
      if (const auto ways = s.find(any); ways != s.end()) {
        SW_TRY(only(s, where, {any}));
        return alternatives(*ways, where + "/" + any);
      }
    if (const auto all = s.find("allOf"); all != s.end()) {
      SW_ASSIGN(const Json merged, merge_all(s, *all, where));
      return schema(merged, where);
    }
    return typed(s, where);
  }

  /// Nothing but annotations and `known` may be there: whatever else would be passed over silently.
  static Status only(const Json& s, const std::string& where, std::initializer_list<std::string_view> known) {
    for (const auto& item : s.items()) {
      const std::string& name = item.key();
      const bool fine = std::find(known.begin(), known.end(), name) != known.end() ||
                        std::find(annotations.begin(), annotations.end(), name) != annotations.end();
      if (!fine) return error(fmt::format("the keyword '{}' is not supported here", name), where);
    }
    return {};
  }

  Result<Expression> reference(const Json& ref, const std::string& where) {
    if (!ref.is_string() || !ref.get_ref<const std::string&>().starts_with('#'))
      return error("a $ref must point into the schema", where, "\"#/$defs/NAME\"");
    const std::string pointer = ref.get<std::string>();
    if (const auto known = references_.find(pointer); known != references_.end()) return call_rule(known->second);
    const Json* target = nullptr;
    try {
      const nlohmann::json_pointer<std::string> path(pointer.substr(1));
      if (root_.contains(path)) target = &root_.at(path);
    } catch (const nlohmann::json::exception&) {
      return error(fmt::format("'{}' is not a pointer", pointer), where);
    }
    if (!target) return error(fmt::format("there is nothing at '{}'", pointer), where);
    // The rule is known before its content, which may refer to it.
    SW_ASSIGN(const Expression call, rule_of(choice({})));
    references_[pointer] = call->rule;
    SW_ASSIGN(rules_[static_cast<std::size_t>(call->rule)], schema(*target, pointer));
    return call;
  }

  Result<Expression> enumeration(const Json& s, const Json& values, const std::string& where) {
    SW_TRY(only(s, where, {"enum", "type"}));
    if (!values.is_array() || values.empty()) return error("enum must be a list of values", where);
    std::vector<Expression> ways;
    for (const Json& one : values) ways.push_back(literal(one.dump()));
    return choice(std::move(ways));
  }

  Result<Expression> alternatives(const Json& ways, const std::string& where) {
    if (!ways.is_array() || ways.empty()) return error("must be a list of schemas", where);
    std::vector<Expression> parts;
    for (std::size_t i = 0; i < ways.size(); ++i) {
      SW_ASSIGN(Expression part, schema(ways[i], fmt::format("{}/{}", where, i)));
      parts.push_back(std::move(part));
    }
    return choice(std::move(parts));
  }

  /// allOf and the keywords beside it as one schema, where no two of them speak of the same thing.
  Result<Json> merge_all(const Json& s, const Json& all, const std::string& where) {
    if (!all.is_array() || all.empty()) return error("allOf must be a list of schemas", where);
    Json merged = s;
    merged.erase("allOf");
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Json* part = &all[i];
      for (int hops = 0; part->is_object() && part->contains("$ref"); ++hops) {
        const Json& ref = part->at("$ref");
        const std::string pointer = ref.is_string() ? ref.get<std::string>() : "";
        if (hops > 16 || !pointer.starts_with('#')) return error("a $ref in allOf leads nowhere", where);
        try {
          part = &root_.at(nlohmann::json_pointer<std::string>(pointer.substr(1)));
        } catch (const nlohmann::json::exception&) {
          return error(fmt::format("there is nothing at '{}'", pointer), where);
        }
      }
      if (!part->is_object()) return error("allOf must be a list of objects", where);
      SW_TRY(merge(merged, *part, where));
    }
    return merged;
  }

  static Status merge(Json& into, const Json& from, const std::string& where) {
    for (const auto& [name, content] : from.items()) {
      const bool is_annotation = std::find(annotations.begin(), annotations.end(), name) != annotations.end();
      if (!into.contains(name)) {
        into[name] = content;
      } else if (name == "properties" && content.is_object() && into[name].is_object()) {
        for (const auto& [property, its_schema] : content.items())
          if (!into[name].contains(property))
            into[name][property] = its_schema;
          else if (into[name][property] != its_schema)
            return error(fmt::format("allOf describes '{}' twice", property), where);
      } else if (name == "required" && content.is_array() && into[name].is_array()) {
        into[name].insert(into[name].end(), content.begin(), content.end());
      } else if (!is_annotation && into[name] != content) {
        return error(fmt::format("allOf has two different '{}'", name), where);
      }
    }
    return {};
  }

  Result<Expression> typed(const Json& s, const std::string& where) {
    const auto type = s.find("type");
    if (type == s.end()) {
      if (s.contains("properties")) return named_object(s, where);
      if (s.contains("items") || s.contains("prefixItems")) return list(s, where);
      if (s.contains("pattern")) return text(s, where);
      SW_TRY(only(s, where, {}));
      return call_rule(value);
    }
    if (type->is_string()) return of_type(type->get_ref<const std::string&>(), s, where);
    if (!type->is_array() || type->empty()) return error("type must be a name or a list of names", where);
    std::vector<Expression> ways;
    for (const Json& one : *type) {
      if (!one.is_string()) return error("type must be a name or a list of names", where);
      Json single = Json::object();  // each type reads its own keywords
      for (const auto& [name, content] : s.items())
        if (concerns(name, one.get_ref<const std::string&>())) single[name] = content;
      SW_ASSIGN(Expression way, of_type(one.get_ref<const std::string&>(), single, where));
      ways.push_back(std::move(way));
    }
    return choice(std::move(ways));
  }

  /// Whether a keyword says something about a type; those that are not known at all concern every type.
  static bool concerns(std::string_view keyword, std::string_view type) {
    struct Concern {
      std::string_view keyword, type;
    };
    static constexpr Concern of_one[] = {{"properties", "object"},
                                         {"required", "object"},
                                         {"additionalProperties", "object"},
                                         {"minProperties", "object"},
                                         {"maxProperties", "object"},
                                         {"items", "array"},
                                         {"prefixItems", "array"},
                                         {"minItems", "array"},
                                         {"maxItems", "array"},
                                         {"minLength", "string"},
                                         {"maxLength", "string"},
                                         {"pattern", "string"},
                                         {"format", "string"},
                                         {"minimum", "integer"},
                                         {"maximum", "integer"},
                                         {"exclusiveMinimum", "integer"},
                                         {"exclusiveMaximum", "integer"}};
    const auto found = std::find_if(std::begin(of_one), std::end(of_one),
                                    [&](const Concern& concern) { return concern.keyword == keyword; });
    return found == std::end(of_one) || found->type == type || (found->type == "integer" && type == "number");
  }

  Result<Expression> of_type(std::string_view type, const Json& s, const std::string& where) {
    if (type == "object") return s.contains("properties") ? named_object(s, where) : free_object(s, where);
    if (type == "array") return list(s, where);
    if (type == "string") return text(s, where);
    if (type == "integer") return integer(s, where);
    if (type == "number") {
      SW_TRY(only(s, where, {"type"}));
      return call_rule(number);
    }
    if (type == "boolean" || type == "null") {
      SW_TRY(only(s, where, {"type"}));
      return type == "null" ? literal("null") : choice({literal("true"), literal("false")});
    }
    return error(fmt::format("there is no type '{}'", type), where,
                 "object, array, string, number, integer, boolean, null");
  }

  Result<int> count(const Json& s, const char* keyword, int otherwise, const std::string& where) const {
    const auto found = s.find(keyword);
    if (found == s.end()) return otherwise;
    if (!found->is_number_integer() || found->get<std::int64_t>() < 0 || found->get<std::int64_t>() > max_count)
      return error(fmt::format("{} must be a whole number up to {}", keyword, max_count), where);
    return found->get<int>();
  }

  Result<Expression> free_object(const Json& s, const std::string& where) {
    SW_TRY(only(s, where, {"type", "additionalProperties", "required", "minProperties", "maxProperties"}));
    if (const auto required = s.find("required"); required != s.end() && !required->empty())
      return named_object(s, where);
    SW_ASSIGN(const int min, count(s, "minProperties", 0, where));
    SW_ASSIGN(const int max, count(s, "maxProperties", -1, where));
    if (max >= 0 && max < min) return error("maxProperties is less than minProperties", where);
    const auto additional = s.find("additionalProperties");
    if (additional == s.end()) return map_of(call_rule(value), min, max);
    if (additional->is_boolean() && !additional->get<bool>()) return min == 0 ? literal("{}") : choice({});
    SW_ASSIGN(const Expression of, schema(*additional, where + "/additionalProperties"));
    SW_ASSIGN(const Expression shared, rule_of(of));
    return map_of(shared, min, max);
  }

  Result<Expression> named_object(const Json& s, const std::string& where) {
    SW_TRY(only(s, where, {"type", "properties", "required", "additionalProperties"}));
    struct Property {
      Expression member;
      bool required = false;
    };
    std::vector<Property> properties;
    const auto is_required = [&](const std::string& name) {
      const auto required = s.find("required");
      return required != s.end() && std::find(required->begin(), required->end(), Json(name)) != required->end();
    };
    const Json none = Json::object();
    const Json& named = s.contains("properties") ? s.at("properties") : none;
    if (!named.is_object()) return error("properties must be an object", where);
    for (const auto& [name, its_schema] : named.items()) {
      SW_ASSIGN(Expression of, schema(its_schema, where + "/properties/" + name));
      SW_ASSIGN(Expression member, rule_of(sequence({key(name), std::move(of)})));
      properties.push_back({std::move(member), is_required(name)});
    }
    if (const auto required = s.find("required"); required != s.end()) {
      if (!required->is_array()) return error("required must be a list of names", where);
      for (const Json& name : *required) {
        if (!name.is_string()) return error("required must be a list of names", where);
        if (named.contains(name.get_ref<const std::string&>())) continue;
        SW_ASSIGN(Expression member, rule_of(sequence({key(name.get_ref<const std::string&>()), call_rule(value)})));
        properties.push_back({std::move(member), true});
      }
    }
    // A comma stands before each member but the first, which is any optional one or the first required one.
    std::vector<Expression> begins;
    bool may_be_empty = true;
    for (std::size_t first = 0; first < properties.size() && may_be_empty; ++first) {
      std::vector<Expression> members = {properties[first].member};
      for (std::size_t i = first + 1; i < properties.size(); ++i) {
        Expression more = sequence({literal(","), space(), properties[i].member});
        members.push_back(properties[i].required ? std::move(more) : optional(std::move(more)));
      }
      members.push_back(space());
      SW_ASSIGN(Expression way, rule_of(sequence(std::move(members))));
      begins.push_back(std::move(way));
      may_be_empty = !properties[first].required;
    }
    if (may_be_empty) begins.push_back(sequence({}));
    return sequence({literal("{"), space(), choice(std::move(begins)), literal("}")});
  }

  Result<Expression> list(const Json& s, const std::string& where) {
    SW_TRY(only(s, where, {"type", "items", "prefixItems", "minItems", "maxItems"}));
    SW_ASSIGN(const int min, count(s, "minItems", 0, where));
    SW_ASSIGN(const int max, count(s, "maxItems", -1, where));
    if (max >= 0 && max < min) return error("maxItems is less than minItems", where);
    Expression item = call_rule(value);
    bool has_items = true;
    if (const auto items = s.find("items"); items != s.end()) {
      has_items = !(items->is_boolean() && !items->get<bool>());
      SW_ASSIGN(const Expression of, schema(*items, where + "/items"));
      SW_ASSIGN(item, rule_of(of));
    }
    const auto prefix = s.find("prefixItems");
    if (prefix == s.end()) return has_items ? list_of(item, min, max) : list_of(item, min, 0);
    if (!prefix->is_array() || prefix->empty()) return error("prefixItems must be a list of schemas", where);

    // From the end: what may follow the item before.
    const int n = static_cast<int>(prefix->size());
    const int last = !has_items ? n : max;
    if (min > n && !has_items) return choice({});
    const Expression more = sequence({literal(","), space(), item});
    Expression rest =
        last >= 0 && last <= n ? sequence({}) : repeat(more, std::max(min - n, 0), last < 0 ? -1 : last - n);
    for (int i = n - 1; i >= 0; --i) {
      SW_ASSIGN(const Expression of,
                schema((*prefix)[static_cast<std::size_t>(i)], fmt::format("{}/prefixItems/{}", where, i)));
      if (max >= 0 && i >= max) continue;
      SW_ASSIGN(rest, rule_of(i == 0 ? sequence({of, rest, space()}) : sequence({literal(","), space(), of, rest})));
      if (i >= min) rest = optional(rest);
    }
    return sequence({literal("["), space(), rest, literal("]")});
  }

  Result<Expression> text(const Json& s, const std::string& where) {
    SW_TRY(only(s, where, {"type", "minLength", "maxLength", "pattern", "format"}));
    const bool has_length = s.contains("minLength") || s.contains("maxLength");
    const auto quoted = [](Expression inside) { return sequence({literal("\""), std::move(inside), literal("\"")}); };
    if (const auto pattern = s.find("pattern"); pattern != s.end()) {
      if (has_length || s.contains("format"))
        return error("pattern together with a length or format is not supported", where);
      if (!pattern->is_string()) return error("pattern must be a string", where);
      SW_ASSIGN(Expression inside, parse_regex(pattern->get_ref<const std::string&>(), RegexText::json_string));
      return quoted(std::move(inside));
    }
    if (const auto format = s.find("format"); format != s.end() && format->is_string())
      if (const auto pattern = pattern_of_format(format->get_ref<const std::string&>())) {
        if (has_length) return error("format together with a length is not supported", where);
        return quoted(regex(*pattern));
      }
    if (!has_length) return call_rule(string);
    SW_ASSIGN(const int min, count(s, "minLength", 0, where));
    SW_ASSIGN(const int max, count(s, "maxLength", -1, where));
    if (max >= 0 && max < min) return error("maxLength is less than minLength", where);
    return quoted(repeat(call_rule(character), min, max));
  }

  Result<Expression> integer(const Json& s, const std::string& where) {
    SW_TRY(only(s, where, {"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "format"}));
    std::optional<std::int64_t> low, high;
    const auto bound = [&](const char* keyword, std::optional<std::int64_t>& into, int step) -> Status {
      const auto found = s.find(keyword);
      if (found == s.end()) return {};
      constexpr double most = 1e15;
      if (!found->is_number() || !(std::abs(found->get<double>()) <= most) ||
          found->get<double>() != static_cast<double>(found->get<std::int64_t>()))
        return error(fmt::format("{} must be a whole number up to 1e15", keyword), where);
      const std::int64_t limit = found->get<std::int64_t>() + step;
      into = !into                                                ? limit
             : step > 0 || std::string_view(keyword) == "minimum" ? std::max(*into, limit)
                                                                  : std::min(*into, limit);
      return {};
    };
    SW_TRY(bound("minimum", low, 0));
    SW_TRY(bound("exclusiveMinimum", low, 1));
    SW_TRY(bound("maximum", high, 0));
    SW_TRY(bound("exclusiveMaximum", high, -1));
    return integer_range(low, high);
  }

  const Json& root_;
  std::vector<Expression> rules_;
  std::map<std::string, int> references_;
};

}  // namespace

std::vector<Expression> json_object_rules() {
  const Json any = Json::object();
  Compiler compiler(any);
  compiler.add_common_rules();
  return compiler.take();
}

Result<std::vector<Expression>> json_schema_rules(const Json& schema) {
  Compiler compiler(schema);
  compiler.add_common_rules();
  SW_TRY(compiler.compile_document());
  return compiler.take();
}

}  // namespace sw
