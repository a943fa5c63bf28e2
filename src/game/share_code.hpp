#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "game/content.hpp"
#include "game/state.hpp"

namespace sw::game {

/// What was found, as some 60 letters to pass on: "SW1-" and base64url (RFC 4648, section 5) of one bit per concept in
/// the order of ids, a 16-bit hash of these ids, and a 32-bit checksum.
std::string share_code(const Content& content, const State& state);

/// The concepts of a code, in an order in which they can be found, without the starting ones. Refuses codes that are
/// garbled, come from other content, or hold what could not have been found.
Result<std::vector<ConceptIndex>> parse_share_code(const Content& content, std::string_view code);

}  // namespace sw::game
