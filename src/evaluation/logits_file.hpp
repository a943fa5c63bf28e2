#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "evaluation/perplexity.hpp"

namespace sw {

/// What a baseline's logits belong to. The tokens travel with them, so that the same text is compared even where the
/// file it came from is gone.
struct LogitsHeader {
  Convention convention = Convention::llama_cpp;
  std::uint32_t vocab = 0;
  std::uint64_t window = 0, stride = 0;
  std::uint64_t windows = 0;  ///< of the text: the first so many
  std::string model;
  std::vector<TokenId> tokens;
};

/// Writes the distributions of a baseline, one row per scored token: log-probabilities in 16 bits, equally spaced from
/// the largest down to 30 nats below it, which is the idea of llama.cpp's KL divergence base files. A probability is
/// off by less than 0.03 %.
class LogitsWriter {
 public:
  /// The file appears under its name on commit().
  static Result<LogitsWriter> create(const std::filesystem::path& path, const LogitsHeader& header);
  Status add(std::span<const float> logits);
  Status commit() { return file_.commit(); }

 private:
  explicit LogitsWriter(AtomicFile file) : file_(std::move(file)) {}
  AtomicFile file_;
  std::vector<std::uint16_t> row_;
};

class LogitsReader {
 public:
  static Result<LogitsReader> open(const std::filesystem::path& path);
  const LogitsHeader& header() const { return header_; }
  std::uint64_t rows() const { return rows_; }
  /// The log-probabilities of row i < rows(), normalized. [vocab]; valid until the next call.
  std::span<const float> row(std::uint64_t i);

 private:
  MappedFile file_;
  LogitsHeader header_;
  std::size_t first_row_ = 0;
  std::uint64_t rows_ = 0;
  std::vector<float> values_;
};

/// How far a distribution is from the baseline's.
struct Divergence {
  double kl = 0;          ///< KL(baseline ‖ this), nats (Kullback & Leibler 1951)
  bool same_top = false;  ///< both hold the same token for the most likely
  double nats_more = 0;   ///< −log p of the token that came, less the baseline's
};
/// `baseline`: normalized log-probabilities. `logits`: as a model gives them. Both [vocab].
Divergence divergence(std::span<const float> baseline, std::span<const float> logits, TokenId target);

}  // namespace sw
