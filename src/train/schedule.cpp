#include "train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sw::train {

double Schedule::at(std::int64_t step) const {
  const auto now = static_cast<double>(step), n = static_cast<double>(steps);
  const double rising = std::floor(warmup * n);
  if (now < rising) return rate * (now + 1) / rising;
  switch (kind) {
    case ScheduleKind::constant:
      return rate;
    case ScheduleKind::cosine: {
      const double progress = (now - rising) / std::max(1.0, n - rising);
      return rate * (floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * progress)));
    }
    case ScheduleKind::wsd: {
      const double falling = decay * n, into = now - (n - falling);
      if (into <= 0) return rate;
      return rate * (floor + (1 - floor) * (1 - std::sqrt(into / falling)));
    }
  }
  return rate;
}

}  // namespace sw::train
