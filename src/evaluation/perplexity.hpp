#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "measure/statistics.hpp"
#include "model/model.hpp"
#include "state/state.hpp"

namespace sw {

/// How a text longer than a context is cut, and which of its tokens are scored. Numbers compare only within one.
enum class Convention : std::uint8_t {
  /// Windows that do not overlap; in each, the tokens of the second half are scored. A model that begins texts with a
  /// token (BOS) sees it in place of the first token of every window. llama.cpp's `perplexity`.
  llama_cpp,
  /// A window slides by `stride`; in each, the tokens the one before did not hold are scored: all of the text but its
  /// first token, where windows overlap. Windows are averaged with the weight of their scored tokens less one. The loop
  /// of
  /// "Perplexity of fixed-length models" in the documentation of Hugging Face transformers.
  transformers,
};
const char* name(Convention convention);

struct TextWindow {
  std::size_t begin = 0, end = 0;  ///< tokens the model reads
  std::size_t first_scored = 0;    ///< the first token whose probability counts
  double weight = 0;               ///< of the window's mean in the text's

  std::size_t scored() const { return end - first_scored; }
};

/// Windows of at most `window` tokens. Empty where the text is too short.
std::vector<TextWindow> cut_text(Convention convention, std::size_t n_tokens, std::size_t window, std::size_t stride);

/// What one window came to.
struct WindowLoss {
  double sum = 0, sum_of_squares = 0;  ///< of −log p, in nats
  double tokens = 0, weight = 0;
};

struct Perplexity {
  double value = 0;  ///< exp(nats_per_token)
  double nats_per_token = 0;
  double standard_error = 0;  ///< of `value`, taking tokens as independent: the ± that llama.cpp prints
  Interval interval;          ///< 95 %, resampling whole windows, whose tokens are not independent
  double tokens = 0;
};
Perplexity perplexity_of(std::span<const WindowLoss> windows);

/// Runs windows of text through a model.
class TextScorer {
 public:
  /// `model` and `pool` must outlive it.
  static Result<TextScorer> create(const Model& model, ThreadPool& pool, int window, KvType kv_type);
  TextScorer(TextScorer&&) noexcept;
  TextScorer& operator=(TextScorer&&) noexcept;
  ~TextScorer();

  /// on_row(i, logits): the logits [vocab] that predict tokens[i], for i from `first_scored`, in order.
  using OnRow = std::function<Status(std::size_t i, std::span<const float> logits)>;
  Status score(std::span<const TokenId> tokens, std::size_t first_scored, const OnRow& on_row);
  /// The loss of one window of `text`. `first` stands in place of its first token, where given.
  Result<WindowLoss> loss(std::span<const TokenId> text, const TextWindow& window, std::optional<TokenId> first,
                          const OnRow& also = {});

 private:
  struct Impl;
  explicit TextScorer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// −log p(target) under softmax(logits), in nats.
double surprise(std::span<const float> logits, TokenId target);

/// The token a model's tokenizer puts in front of a text, if any.
Result<std::optional<TokenId>> begin_token(const Tokenizer& tokenizer);

}  // namespace sw
