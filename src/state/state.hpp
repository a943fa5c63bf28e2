#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "model/spec.hpp"

namespace sw {

/// A handle to what one sequence remembers, valid until close().
enum class SequenceId : std::int32_t {};

struct StateOptions {
  std::int64_t max_tokens = 4096;  ///< positions all sequences may hold together
  int max_sequences = 1;
  KvType kv_type = KvType::f16;
};

}  // namespace sw
