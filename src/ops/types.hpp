#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace sw {

enum class Activation : std::uint8_t { silu, gelu_tanh, gelu_erf, relu };

/// Which dimensions of a head rotate together: (i, i + dims/2) or (2i, 2i + 1).
enum class RopeLayout : std::uint8_t { half, interleaved };

/// How keys and values are stored. The numbers are part of the keys of prompts kept on disk.
enum class KvType : std::uint8_t { f32, f16, bf16, q8, q4 };
inline constexpr std::array<std::pair<std::string_view, KvType>, 5> kv_types = {{
    {"f32", KvType::f32},
    {"f16", KvType::f16},
    {"bf16", KvType::bf16},
    {"q8", KvType::q8},
    {"q4", KvType::q4},
}};
/// 16 bits, which CPUs that have BF16 dot products multiply twice as fast.
inline constexpr KvType default_kv_type = KvType::bf16;

constexpr std::string_view name(KvType type) {
  return kv_types[static_cast<std::size_t>(type)].first;
}
constexpr std::optional<KvType> kv_type_named(std::string_view wanted) {
  for (const auto& [name, type] : kv_types)
    if (name == wanted) return type;
  return std::nullopt;
}

}  // namespace sw
