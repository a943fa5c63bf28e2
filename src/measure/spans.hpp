#pragma once

#include <cstdint>
#include <vector>

#include "measure/span_clock.hpp"

namespace sw {

/// What an op multiplies with: each has its own peak on a machine.
enum class Arithmetic : std::uint8_t { fp32, bf16, int8 };

/// One op of one forward pass, as the thread that started it saw it.
struct SpanRecord {
  const char* op;                 ///< a string literal
  std::int32_t layer;             ///< −1 outside the blocks
  std::int64_t begin_ns, end_ns;  ///< SpanClock
  double bytes;                   ///< read and written, weights and state; activations that stay in cache are left out
  double operations;              ///< multiplications and additions
  Arithmetic arithmetic = Arithmetic::fp32;
};

/// Collects spans. Reserve before a run: recording then allocates nothing.
class Spans {
 public:
  Spans() { SpanClock::calibrate(); }

  void reserve(std::size_t n) { records_.reserve(n); }
  void clear() { records_.clear(); }
  void add(const SpanRecord& record) {
    records_.push_back(record);
    // The weights read between two spans push the records out of the caches: the next one is fetched while an op runs.
    __builtin_prefetch(records_.data() + records_.size(), 1);
  }
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
    if (spans_) record_ = {op, layer, SpanClock::now(), 0, bytes, operations, arithmetic};
  }
  ~Span() {
    if (!spans_) return;
    record_.end_ns = SpanClock::now();
    spans_->add(record_);
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

 private:
  Spans* spans_;
  SpanRecord record_{};
};

}  // namespace sw
