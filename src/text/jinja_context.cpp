#include "text/jinja_context.hpp"

#include <nlohmann/json.hpp>

namespace sw::jinja {
namespace {

Value convert(const nlohmann::ordered_json& json, int depth, Budget& budget) {
  budget.step();
  check_depth(depth);
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::boolean:
      return json.get<bool>();
    case nlohmann::ordered_json::value_t::number_integer:
      return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
        throw TemplateError{"the conversation holds an integer of more than 64 bits", {}, "Write it as a string"};
      }
      return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_float:
      return json.get<double>();
    case nlohmann::ordered_json::value_t::string:
      return make_string(json.get_ref<const std::string&>(), budget);
    case nlohmann::ordered_json::value_t::array: {
      Values items;
      items.reserve(json.size());
      for (const auto& item : json) items.push_back(convert(item, depth + 1, budget));
      return make_list(std::move(items), budget);
    }
    case nlohmann::ordered_json::value_t::object: {
      DictBuilder dict(budget);
      for (const auto& [key, value] : json.items()) {
        dict.append(make_string(key, budget), convert(value, depth + 1, budget));
      }
      return dict.finish();
    }
    default:
      return None{};
  }
}

}  // namespace

Value from_json(const nlohmann::ordered_json& json, Budget& budget) {
  return convert(json, 0, budget);
}

}  // namespace sw::jinja
