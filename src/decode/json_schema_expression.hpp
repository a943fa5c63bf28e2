#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>
#include "base/error.hpp"
#include "decode/byte_expression.hpp"

namespace sw {

/// Any JSON object, of any depth.
std::vector<Expression> json_object_rules();

/// The JSON documents that a schema (draft 2020-12) allows, as the rules of a grammar, rule 0 the document. Properties
/// come in the schema's order; between tokens there is at most a space, or a line break with its indentation.
///
/// Understood: type, enum, const, properties, required, additionalProperties, items, prefixItems, minItems, maxItems,
/// minProperties and maxProperties (of objects without named properties), minLength, maxLength, pattern, the formats
/// date, time, date-time, uuid, email, ipv4; minimum, maximum and their exclusive forms for integers; anyOf, oneOf
/// (as anyOf), allOf of objects, $ref within the document, true and false. Annotations are passed over; any other
/// keyword is an Error that names it, since leaving it out would allow what the schema does not. Where a schema has
/// named properties no others are written.
Result<std::vector<Expression>> json_schema_rules(const nlohmann::ordered_json& schema);

}  // namespace sw
