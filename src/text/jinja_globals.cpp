#include <algorithm>
#include <array>

#include "text/jinja_builtins.hpp"
#include "text/jinja_interpreter.hpp"

/// The functions that apply_chat_template gives to every template.
namespace sw::jinja {
namespace {

/// The entries that dict(…) and namespace(…) get: of one mapping or list of pairs, then the named ones.
Value gather(Interpreter& i, std::string_view name, const Arguments& arguments) {
  DictBuilder dict(i.budget());
  const Parameters p(name, {arguments.positional, {}}, {"mapping"});
  if (!arguments.positional.empty()) {
    const Value& mapping = arguments.positional.front();
    if (mapping.dict() != nullptr) {
      for (const auto& [key, value] : mapping.dict()->entries) dict.set(key, value);
    } else {
      const auto elements = iterate(mapping, i.budget());
      for (const Value& pair : elements->items) {
        const auto parts = iterate(pair, i.budget());
        if (parts->items.size() != 2)
          throw TemplateError{"'" + std::string(name) + "' got malformed pairs", "(key, value)"};
        dict.set(parts->items[0], parts->items[1]);
      }
    }
  }
  for (const auto& [key, value] : arguments.keyword) dict.set(Value(key), value);
  return dict.finish();
}

Value make_dict(Interpreter& i, const Arguments& arguments) {
  return gather(i, "dict", arguments);
}

Value make_namespace(Interpreter& i, const Arguments& arguments) {
  const Value entries = gather(i, "namespace", arguments);
  std::vector<std::pair<std::string, Value>> attributes;
  for (const auto& [key, value] : entries.dict()->entries) {
    if (key.string() == nullptr || key.string()->starts_with('_')) {
      throw TemplateError{"a namespace takes only names that do not start with '_'"};
    }
    attributes.emplace_back(*key.string(), value);
  }
  return i.make_namespace(std::move(attributes));
}

Value range(Interpreter& i, const Arguments& arguments) {
  const Parameters p("range", arguments, {"start", "stop", "step"}, 1);
  if (!p.has(1)) return make_range(0, p.integer(0), 1, i.budget());
  return make_range(p.integer(0), p.integer(1), p.integer(2, 1), i.budget());
}

Value raise_exception(Interpreter& i, const Arguments& arguments) {
  const Parameters p("raise_exception", arguments, {"message"}, 1);
  throw TemplateError{i.text(p.at(0)), {}, "Change the conversation as the template asks"};
}

Value strftime_now(Interpreter& i, const Arguments& arguments) {
  const Parameters p("strftime_now", arguments, {"format"}, 1);
  const std::string& format = p.string(0);
  if (format.size() > 256) throw TemplateError{"'strftime_now' got a format of more than 256 bytes"};
  const std::tm now = i.now();
  std::array<char, 8192> buffer{};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const std::size_t n = std::strftime(buffer.data(), buffer.size(), format.c_str(), &now);
#pragma GCC diagnostic pop
  return i.string(std::string(buffer.data(), n));
}

using GlobalFunction = Value (*)(Interpreter&, const Arguments&);
constexpr auto kGlobals = std::to_array<std::pair<std::string_view, GlobalFunction>>({
    {"dict", make_dict},
    {"namespace", make_namespace},
    {"raise_exception", raise_exception},
    {"range", range},
    {"strftime_now", strftime_now},
});

const auto* find_global(std::string_view name) {
  return std::ranges::find(kGlobals, name, [](const auto& entry) { return entry.first; });
}

}  // namespace

bool is_global(std::string_view name) {
  return find_global(name) != kGlobals.end();
}

Value call_global(Interpreter& interpreter, std::string_view name, const Arguments& arguments) {
  return find_global(name)->second(interpreter, arguments);
}

}  // namespace sw::jinja
