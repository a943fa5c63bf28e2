#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "text/tokenizer.hpp"

namespace sw {

/// A name for a text of tokens read by one model: 128 bits of SHA-256 over the model, and block by block the tokens.
struct PrefixKey {
  std::array<char, 16> bytes{};

  /// The empty text of a model. `model` says everything that a state depends on beside the tokens.
  static PrefixKey of_model(std::string_view model);
  /// This text and `tokens` after it.
  PrefixKey followed_by(std::span<const TokenId> tokens) const;
  /// Another name for the same text, for its recurrent state.
  PrefixKey recurrent() const;

  std::string hex() const;
  bool operator==(const PrefixKey&) const = default;

  struct Hash {
    std::size_t operator()(const PrefixKey& key) const;
  };
};

}  // namespace sw
