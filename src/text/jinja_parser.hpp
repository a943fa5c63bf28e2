#pragma once

#include <string_view>

#include "text/jinja_ast.hpp"

namespace sw::jinja {

/// The template's statements. Grammar and precedence are Jinja2's, with its extensions loopcontrols and `generation`.
/// Throws TemplateError for a malformed template and for tags that reach other templates.
Body parse(std::string_view source);

}  // namespace sw::jinja
