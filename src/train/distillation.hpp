#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "text/tokenizer.hpp"
#include "train/loss.hpp"

namespace sw::train {

/// How a student is told what its teacher thinks (Hinton et al. 2015). The three weights are shares of the loss.
struct DistillationOptions {
  float temperature = 1;  ///< both sides' logits are divided by it, the KLs multiplied by its square
  float kl = 0.9f;        ///< KL(teacher ‖ student): the student covers all that the teacher may say
  float reverse_kl = 0;   ///< KL(student ‖ teacher) (Gu et al. 2024): the student keeps to what the teacher does say
  float cross_entropy = 0.1f;  ///< of the text itself
};

struct DistillationRecipe {
  std::filesystem::path teacher;  ///< a model that our own engine runs
  std::filesystem::path targets;  ///< stored teacher outcomes; empty: the teacher runs beside the student
  int top_k = 64;
  DistillationOptions options;
};

/// What a teacher says of one token: its most likely next tokens with their log-probabilities at the distillation's
/// temperature. What is left of the probability is one more outcome, "any other token".
struct TeacherRow {
  std::span<const TokenId> tokens;
  std::span<const float> log_probabilities;
};

/// The teacher's rows of a batch.
class TeacherRows {
 public:
  TeacherRows(std::int64_t rows, int top_k) : top_k_(top_k) {
    const auto n = static_cast<std::size_t>(rows * top_k);
    tokens_.resize(n);
    log_probabilities_.resize(n);
  }
  int top_k() const { return top_k_; }
  std::span<TokenId> tokens(std::int64_t row) { return std::span(tokens_).subspan(at(row), size()); }
  std::span<float> log_probabilities(std::int64_t row) {
    return std::span(log_probabilities_).subspan(at(row), size());
  }
  TeacherRow row(std::int64_t i) const {
    return {std::span(tokens_).subspan(at(i), size()), std::span(log_probabilities_).subspan(at(i), size())};
  }

 private:
  std::size_t size() const { return static_cast<std::size_t>(top_k_); }
  std::size_t at(std::int64_t row) const { return static_cast<std::size_t>(row) * size(); }
  int top_k_;
  std::vector<TokenId> tokens_;
  std::vector<float> log_probabilities_;
};

/// The k largest of a row of logits as log-probabilities among the whole row at a temperature, largest first; equals in
/// the order of ids.
void take_top(std::span<const float> logits, float temperature, std::span<TokenId> tokens,
              std::span<float> log_probabilities);

/// Mix of softened KL, reverse KL and cross-entropy. Teacher and student are compared over the teacher's top-k tokens
/// and the rest as one: what is not stored is never treated as impossible.
class DistillationLoss final : public RowLoss {
 public:
  DistillationLoss(const DistillationOptions& options, std::span<const TokenId> targets, std::span<const float> weights,
                   const TeacherRows& teacher)
      : options_(options), targets_(targets), weights_(weights), teacher_(teacher) {}

  bool counts(std::int64_t row) const override { return weights_[static_cast<std::size_t>(row)] != 0; }
  double judge(std::int64_t row, std::span<float> logits, float scale, float* scratch) const override;

 private:
  const DistillationOptions& options_;
  std::span<const TokenId> targets_;
  std::span<const float> weights_;
  const TeacherRows& teacher_;
};

/// Fails unless every token of both is the same: probabilities of one would mean nothing to the other.
Status check_same_tokens(const Tokenizer& teacher, const Tokenizer& student, int teacher_vocab, int student_vocab);

}  // namespace sw::train
