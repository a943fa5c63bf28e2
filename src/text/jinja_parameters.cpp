#include <algorithm>

#include "text/jinja_builtins.hpp"

namespace sw::jinja {

Parameters::Parameters(std::string_view function, const Arguments& arguments,
                       std::initializer_list<std::string_view> names, std::size_t required)
    : function_(function), values_(names.size(), nullptr) {
  if (arguments.positional.size() > names.size()) {
    throw TemplateError{"'" + function_ + "' got " + std::to_string(arguments.positional.size()) + " arguments",
                        "at most " + std::to_string(names.size())};
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.keyword) {
    const auto found = std::ranges::find(names, std::string_view(name));
    const auto i = static_cast<std::size_t>(found - names.begin());
    if (found == names.end() || values_[i] != nullptr) {
      throw TemplateError{"'" + function_ + "' takes no second argument and no argument named '" + name + "'"};
    }
    values_[i] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (values_[i] == nullptr) {
      throw TemplateError{"'" + function_ + "' lacks its argument '" + std::string(names.begin()[i]) + "'"};
    }
  }
}

std::int64_t Parameters::integer(std::size_t i, std::int64_t otherwise) const {
  if (!has(i)) return otherwise;
  if (const auto value = at(i).integer()) return *value;
  throw TemplateError{"'" + function_ + "' got a " + std::string(type_name(at(i))), "an integer"};
}

bool Parameters::flag(std::size_t i, bool otherwise) const {
  return has(i) ? truth(at(i)) : otherwise;
}

const std::string& Parameters::string(std::size_t i) const {
  if (const auto* text = at(i).string()) return *text;
  throw TemplateError{"'" + function_ + "' got a " + std::string(type_name(at(i))), "a string"};
}

std::optional<std::string> Parameters::optional_string(std::size_t i) const {
  if (!has(i) || at(i).is_none()) return std::nullopt;
  return string(i);
}

}  // namespace sw::jinja
