#include "serving/job.hpp"

#include <algorithm>

namespace sw {

bool Job::is_over() const {
  return std::ranges::all_of(finished, [](bool f) { return f; });
}

RequestTimings Choice::timings_at(Clock::time_point now) const {
  const auto ms = [](Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
  };
  RequestTimings t = timings;
  t.prompt_tokens = static_cast<int>(job->request.prompt.size());
  t.queue_ms = ms(job->submitted, admitted.value_or(now));
  if (!admitted) return t;
  t.load_ms = ms(*admitted, loaded.value_or(now));
  if (!loaded) return t;
  t.prefill_ms = ms(*loaded, first.value_or(now));
  if (!first) return t;
  t.first_token_ms = ms(job->submitted, *first);
  t.decode_ms = ms(*first, last.value_or(*first));
  return t;
}

}  // namespace sw
