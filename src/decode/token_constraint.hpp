#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "text/tokenizer.hpp"

namespace sw {

/// Which tokens may come next in one sequence. Whoever samples asks allowed(), sets the logits of all other tokens to
/// −infinity (deny_logits), samples, and tells the outcome with accept(). Not thread-safe; one object per sequence.
class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  /// Bit t % 64 of word t / 64: token t may come next. Ids past the last word may not. Tokens that end the text are
  /// among the bits where the text may end. All zero only where no token of the vocabulary can continue: end the text
  /// then. Valid until the next call.
  virtual std::span<const std::uint64_t> allowed() = 0;
  /// `token` was chosen. One that was not allowed leaves nothing allowed.
  virtual void accept(TokenId token) = 0;
  /// At the beginning of the text again, for another sequence under the same constraint. Cheap; thread-safe.
  virtual std::unique_ptr<TokenConstraint> fresh() const = 0;
};

/// logits: [vocab]; those of tokens not in `allowed` become −infinity. False when none is left.
bool deny_logits(std::span<const std::uint64_t> allowed, std::span<float> logits);

}  // namespace sw
