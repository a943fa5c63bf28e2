#pragma once

#include <cstdint>

namespace sw::train {

enum class ScheduleKind : std::uint8_t {
  constant,
  cosine,  ///< from the peak to `floor` of it along half a cosine (Loshchilov & Hutter 2017)
  wsd,     ///< warm-up, stable, decay: at the peak until the last `decay` of the run (Hu et al. 2024)
};

struct Schedule {
  ScheduleKind kind = ScheduleKind::cosine;
  double rate = 1e-3;    ///< the peak
  double warmup = 0.02;  ///< share of the run in which the rate rises linearly
  double decay = 0.2;    ///< share of the run in which WSD's falls, as 1 − √
  double floor = 0.1;    ///< share of the peak at which the rate ends
  std::int64_t steps = 0;

  /// Of the update that ends step `step`, which counts from 0.
  double at(std::int64_t step) const;
};

}  // namespace sw::train
