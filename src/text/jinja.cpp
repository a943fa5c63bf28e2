#include "text/jinja.hpp"

#include <new>
#include <nlohmann/json.hpp>

#include "text/jinja_context.hpp"
#include "text/jinja_parser.hpp"
#include "text/jinja_text.hpp"

namespace sw::jinja {
namespace {

constexpr std::size_t kMaxTemplate = 1 << 20;

std::unexpected<Error> to_error(TemplateError error) {
  std::string where = "chat template";
  if (error.at) {
    where += ", line " + std::to_string(error.at->line) + ", column " + std::to_string(error.at->column);
  }
  if (error.next.empty()) error.next = "Correct the template there, or pass another one";
  return fail(std::move(error.what), std::move(where), std::move(error.expected), std::move(error.next));
}

/// What `work` returns, or what it throws as an Error.
template <class Work>
auto guarded(const Work& work) -> Result<decltype(work())> {
  try {
    return work();
  } catch (TemplateError& error) {
    return to_error(std::move(error));
  } catch (const std::bad_alloc&) {
    return fail("there is not enough memory for the conversation", "chat template", {}, "Shorten the conversation");
  }
}

}  // namespace

Result<Body> compile(std::string_view source) {
  if (source.size() > kMaxTemplate) {
    return fail("the template has " + std::to_string(source.size()) + " bytes", "chat template",
                "at most " + std::to_string(kMaxTemplate), "Pass a shorter template");
  }
  if (!is_valid_utf8(source)) {
    return fail("the template is not valid UTF-8", "chat template", "UTF-8 text", "Convert the template to UTF-8");
  }
  return guarded([&] { return parse(source); });
}

Result<std::string> render(const Body& body, const nlohmann::ordered_json& context, const Limits& limits,
                           Interpreter::Clock clock) {
  if (!context.is_object()) {
    return fail("the template's variables are not an object", "chat template", "an object with \"messages\"");
  }
  return guarded([&] {
    Interpreter interpreter(limits, std::move(clock));
    return interpreter.render(body, from_json(context, interpreter.budget()));
  });
}

}  // namespace sw::jinja
