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
  std::int64_t begin_ns, end_ns;  ///< SpanClock; it begins where the one before it ended
  double bytes;                   ///< read and written, weights and state; activations that stay in cache are left out
  double operations;              ///< multiplications and additions
  Arithmetic arithmetic = Arithmetic::fp32;
};

/// Collects the spans of one thread, one after the other. Reserve before a run: recording then allocates nothing.
///
/// Reading the clock is nearly all that a span costs, so it is read once for each: what lies between two ops is
/// preparation of the second, and counts as its time.
class Spans {
 public:
  Spans() { SpanClock::calibrate(); }

  void reserve(std::size_t n) { records_.reserve(n); }
  void clear() { records_.clear(); }
  /// The next span begins at this instant: where a pass begins.
  void start(std::int64_t at_ns) { last_ns_ = at_ns; }
  std::int64_t last_ns() const { return last_ns_; }
  void add(const SpanRecord& record) {
    last_ns_ = record.end_ns;
    records_.push_back(record);
    // The weights read between two spans push the records out of the caches: the next one is fetched while an op runs.
    __builtin_prefetch(records_.data() + records_.size(), 1);
  }
  const std::vector<SpanRecord>& records() const { return records_; }

 private:
  std::vector<SpanRecord> records_;
  std::int64_t last_ns_ = 0;
};

/// Records the time until a scope ends, from where the span before it ended, when `spans` is not null.
class Span {
 public:
  Span(Spans* spans, const char* op, int layer, double bytes, double operations,
       Arithmetic arithmetic = Arithmetic::fp32)
      : spans_(spans) {
    if (spans_) record_ = {op, layer, spans_->last_ns(), 0, bytes, operations, arithmetic};
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
