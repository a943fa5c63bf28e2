#include "evaluation/counts.hpp"

namespace sw {

WorkCounts counts_of(const PhaseSpans& phase) {
  WorkCounts counts;
  for (const SpanRecord& span : phase.spans) {
    counts.bytes += span.bytes;
    counts.operations += span.operations;
    ++counts.ops;
  }
  for (const PassRecord& pass : phase.passes) {
    ++counts.passes;
    counts.tokens += pass.tokens;
  }
  return counts;
}

}  // namespace sw
