#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace sw {

/// What an op multiplies with: each has its own peak on a machine.
enum class Arithmetic : std::uint8_t { fp32, bf16, int8 };

/// One op of one forward pass, as the thread that started it saw it.
struct SpanRecord {
  const char* op;                 ///< a string literal
  std::int32_t layer;             ///< −1 outside the blocks
  std::int64_t begin_ns, end_ns;  ///< steady clock
  double bytes;                   ///< read and written, weights and state; activations that stay in cache are left out
  double operations;              ///< multiplications and additions
  Arithmetic arithmetic = Arithmetic::fp32;
};

/// Collects spans. Reserve before a run: recording then allocates nothing.
class Spans {
 public:
  void reserve(std::size_t n) { records_.reserve(n); }
  void clear() { records_.clear(); }
  void add(const SpanRecord& record) { records_.push_back(record); }
  const std::vector<SpanRecord>& records() const { return records_; }

 private:
  std::vector<SpanRecord> records_;
};

/// Records the lifetime of a scope when `spans` is not null.
class Span {
 public:
  Span(Spans* spans, const char* op, int layer, double bytes, double operations,
       Arithmetic arithmetic = Arithmetic::fp32)
      : spans_(spans) {
    if (spans_) record_ = {op, layer, now(), 0, bytes, operations, arithmetic};
  }
  ~Span() {
    if (!spans_) return;
    record_.end_ns = now();
    spans_->add(record_);
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

 private:
  static std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  Spans* spans_;
  SpanRecord record_{};
};

}  // namespace sw
