#pragma once

#include <cstdint>

namespace sw {

enum class Activation : std::uint8_t { silu, gelu_tanh, gelu_erf, relu };

/// Which dimensions of a head rotate together: (i, i + dims/2) or (2i, 2i + 1).
enum class RopeLayout : std::uint8_t { half, interleaved };

/// How keys and values are stored.
enum class KvType : std::uint8_t { f32, f16 };

}  // namespace sw
