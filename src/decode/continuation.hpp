#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "decode/sampler.hpp"
#include "decode/stop_strings.hpp"
#include "decode/token_constraint.hpp"
#include "text/tokenizer.hpp"

namespace sw {

/// How a text goes on and where it ends.
struct TextOptions {
  SamplingOptions sampling;
  int max_tokens = -1;  ///< −1: until the model ends or the context is full
  std::vector<std::string> stop_strings;
  bool ignore_eos = false;                            ///< the model's own end-of-text tokens do not end the text
  std::shared_ptr<const TokenConstraint> constraint;  ///< the text follows a fresh() one; null: free text
};

enum class FinishReason {
  stop,       ///< the model's end or a stop string
  length,     ///< max_tokens or the context
  cancelled,  ///< whoever asked does not want it any more
  deadline,   ///< its time was over (serving only, as `failed`)
  failed,
};
std::string_view name(FinishReason reason);

/// One text as it is continued: logits become tokens, tokens text, until it ends.
class Continuation {
 public:
  /// At most `room` tokens, whatever the options say. `tokenizer` must outlive it.
  Continuation(const Tokenizer& tokenizer, const TextOptions& options, std::span<const TokenId> prompt, int room);

  struct Step {
    std::optional<SampledToken> token;  ///< none: what was sampled ended the text
    std::string text;                   ///< can be shown now: whole characters, no part of a stop string
    std::optional<FinishReason> finish;
  };
  /// Chooses the next token by its row of logits, which has what wanted() said.
  Step advance(const LogitsRow& logits);
  /// The text held back so far, when the text ends from outside.
  std::string rest();

  /// What decides the next token. Valid until then.
  WantedLogits wanted() { return constraint_ ? WantedLogits{} : sampler_.wanted(); }
  int n_tokens() const { return n_tokens_; }

 private:
  bool ends_text(TokenId token) const;

  const Tokenizer& tokenizer_;
  const bool ignore_eos_;
  const int max_tokens_;
  Sampler sampler_;
  std::unique_ptr<TokenConstraint> constraint_;
  StreamingDecoder decoder_;
  StopStrings stop_strings_;
  int n_tokens_ = 0;
  std::vector<float> allowed_logits_;
};

}  // namespace sw
