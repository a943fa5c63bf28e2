#include "train/distillation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sw::train {
namespace {

constexpr double smallest = 1e-9;  ///< a probability below this is this

}  // namespace

void take_top(std::span<const float> logits, float temperature, std::span<TokenId> tokens,
              std::span<float> log_probabilities) {
  std::vector<TokenId> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](TokenId a, TokenId b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  const auto k = static_cast<std::ptrdiff_t>(tokens.size());
  std::ranges::partial_sort(order, order.begin() + k, before);
  std::vector<float> scaled(logits.begin(), logits.end());
  kernels().scale(1 / temperature, std::ssize(scaled), scaled.data());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = order[i];
    log_probabilities[i] = scaled[static_cast<std::size_t>(order[i])];
  }
  const float lse = kernels().softmax(scaled.data(), std::ssize(scaled));
  for (float& x : log_probabilities) x -= lse;
}

double DistillationLoss::judge(std::int64_t row, std::span<float> logits, float scale, float* scratch) const {
  const auto vocab = static_cast<std::int64_t>(logits.size());
  const double w = weights_[static_cast<std::size_t>(row)], t = options_.temperature;
  const std::size_t target = static_cast<std::size_t>(targets_[static_cast<std::size_t>(row)]);
  const TeacherRow teacher = teacher_.row(row);

  // The student at temperature 1 in `logits`, at the distillation's in `scratch`.
  const float logit = logits[target];
  std::ranges::copy(logits, scratch);
  kernels().scale(static_cast<float>(1 / t), vocab, scratch);
  const double cross_entropy = double{kernels().softmax(logits.data(), vocab)} - logit;
  kernels().softmax(scratch, vocab);
  logits[target] -= 1;
  kernels().scale(options_.cross_entropy, vocab, logits.data());

  // Outcomes: the teacher's tokens and, last, any other.
  const std::size_t outcomes = teacher.tokens.size() + 1;
  std::vector<double> p(outcomes), q(outcomes), slope(outcomes);
  p.back() = q.back() = 1;
  for (std::size_t i = 0; i + 1 < outcomes; ++i) {
    p.back() -= p[i] = std::exp(double{teacher.log_probabilities[i]});
    q.back() -= q[i] = scratch[static_cast<std::size_t>(teacher.tokens[i])];
  }
  double kl = 0, reverse = 0, mean = 0;
  for (std::size_t i = 0; i < outcomes; ++i) {
    p[i] = std::max(p[i], smallest);
    q[i] = std::max(q[i], smallest);
    const double ratio = std::log(q[i] / p[i]);
    kl -= p[i] * ratio;
    reverse += q[i] * ratio;
    slope[i] = options_.reverse_kl * q[i] * (ratio + 1) - options_.kl * p[i];  // by log q
    mean += slope[i];
  }
  // Through the softmax: T² of the loss over T of the logits; other tokens share the last slope by their probability.
  const double rest = slope.back() / q.back();
  kernels().scale_add(scratch, static_cast<float>(t * (rest - mean)), vocab, logits.data());
  for (std::size_t i = 0; i + 1 < outcomes; ++i) {
    const auto v = static_cast<std::size_t>(teacher.tokens[i]);
    logits[v] += static_cast<float>(t * (slope[i] - scratch[v] * rest));
  }
  kernels().scale(static_cast<float>(w) * scale, vocab, logits.data());
  return w * (options_.cross_entropy * cross_entropy + t * t * (options_.kl * kl + options_.reverse_kl * reverse));
}

Status check_same_tokens(const Tokenizer& teacher, const Tokenizer& student, int teacher_vocab, int student_vocab) {
  constexpr const char* next = "Train the student with the teacher's tokenizer.json ([tokenizer] path)";
  if (teacher_vocab != student_vocab || teacher.vocab_size() != student.vocab_size())
    return fail("the teacher knows " + std::to_string(teacher.vocab_size()) + " tokens and the student " +
                    std::to_string(student.vocab_size()),
                "distillation", "the same tokenizer", next);
  for (TokenId id = 0; id < teacher.vocab_size(); ++id)
    if (teacher.piece(id) != student.piece(id))
      return fail("token " + std::to_string(id) + " is '" + std::string(teacher.piece(id)) + "' to the teacher and '" +
                      std::string(student.piece(id)) + "' to the student",
                  "distillation", "the same tokenizer", next);
  return {};
}

}  // namespace sw::train
