#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include "model/families/family.hpp"
#include "model/families/keys.hpp"

namespace sw {

inline constexpr int max_blocks = 10'000;

/// What every family's spec starts from: name, vocabulary, width, context, norm and head.
Result<ModelSpec> read_common(const Checkpoint& checkpoint, const Keys& keys, int context);

/// Copies integers of config.json to the keys "<architecture>.<second>".
Status import_numbers(const Metadata& config, std::string_view architecture,
                      std::initializer_list<std::pair<const char*, const char*>> names, Metadata& out);
/// The epsilon of the RMS norms, which config.json calls `name`.
Status import_norm_eps(const Metadata& config, const char* name, std::string_view architecture, Metadata& out);

}  // namespace sw
