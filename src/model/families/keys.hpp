#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "formats/metadata.hpp"

namespace sw {

/// Reads the keys "<architecture>.*" of a checkpoint, refusing values no model has.
class Keys {
 public:
  static constexpr std::int64_t max_size = 1'000'000;  ///< of a width, a vocabulary, a number of blocks
  static constexpr std::int64_t max_positions = std::int64_t{1} << 30;

  Keys(const Metadata& metadata, std::string_view architecture) : metadata_(metadata), prefix_(architecture) {
    prefix_ += '.';
  }

  std::string name(std::string_view key) const { return prefix_ + std::string(key); }
  const Metadata& metadata() const { return metadata_; }

  /// An integer in [1, max].
  Result<int> size(std::string_view key, std::int64_t max = max_size) const;
  Result<int> size_or(std::string_view key, int fallback, std::int64_t max = max_size) const;
  /// A finite number above 0.
  Result<float> positive(std::string_view key) const;
  Result<float> positive_or(std::string_view key, float fallback) const;

 private:
  const Metadata& metadata_;
  std::string prefix_;
};

}  // namespace sw
