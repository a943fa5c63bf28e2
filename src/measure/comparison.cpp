#include "measure/comparison.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <random>

namespace sw {
namespace {

/// Moments of a look, as fractions of the time. Twice the data each: a large difference is found early, and the last
/// look has all of it.
constexpr std::array looks = {1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2, 1.0};
/// Of finding a difference that is there: the usual 80 %.
constexpr double power = 0.8;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<double> ratios_of(std::span<const double> a, std::span<const double> b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) ratios.push_back(a[i] / b[i]);
  return ratios;
}

double detectable_effect(const Interval& interval, double level) {
  if (!(interval.low > 0)) return 0;
  const double z = normal_quantile((1 + level) / 2);
  const double error = (std::log(interval.high) - std::log(interval.low)) / 2 / z;
  return std::expm1((z + normal_quantile(power)) * error);
}

void look(ComparisonResult& result, const ComparisonOptions& options) {
  result.level = 1 - (1 - options.level) / static_cast<double>(looks.size());
  const Ratio ratio = paired_ratio(result.a_ms, result.b_ms, result.level, options.seed, options.resamples);
  result.ratio = ratio.value;
  result.interval = ratio.interval;
  result.detectable = detectable_effect(ratio.interval, result.level);
  result.outcome = outcome_of(ratio.interval, options.least_effect);
}

}  // namespace

Ratio paired_ratio(std::span<const double> a, std::span<const double> b, double level, std::uint64_t seed,
                   int resamples) {
  const std::vector<double> ratios = ratios_of(a, b);
  if (ratios.empty()) return {};
  // The order within pairs is random, so of A against A each ratio is as likely above 1 as below, whatever disturbs the
  // machine and for how long: the sign test's level holds where the bootstrap's is an approximation.
  const Interval bootstrap = bootstrap_median(ratios, {.level = level, .resamples = resamples, .seed = seed}),
                 signs = sign_interval(ratios, level);
  return {median(ratios), {std::min(bootstrap.low, signs.low), std::max(bootstrap.high, signs.high)}};
}

Outcome outcome_of(const Interval& interval, double least_effect) {
  // Of interest is the part of the interval that says so: a difference certainly below the least one is none.
  if (interval.high < 1 + least_effect && interval.low > 1 / (1 + least_effect)) return Outcome::same;
  if (interval.low > 1) return Outcome::b_faster;
  if (interval.high < 1) return Outcome::a_faster;
  return Outcome::undecided;
}

Result<ComparisonResult> compare(const MeasureMs& a, const MeasureMs& b, const ComparisonOptions& options,
                                 const ComparisonHooks& hooks) {
  const auto now = hooks.clock ? hooks.clock : seconds_now;
  ComparisonResult result;
  for (const MeasureMs* side : {&a, &b})
    if (const auto warm_up = (*side)(); !warm_up) return std::unexpected(warm_up.error());

  std::mt19937_64 random(options.seed);
  const double start = now();
  std::size_t next_look = 0;
  while (next_look < looks.size()) {
    if (hooks.stop && hooks.stop()) {
      result.interrupted = true;
      break;
    }
    const bool a_first = random() % 2 == 0;
    const Result<double> first = a_first ? a() : b();
    const Result<double> second = first ? (a_first ? b() : a()) : first;
    if (!second) {
      // What stopped the comparison may have ended a run as well: the pairs before it count.
      if (!hooks.stop || !hooks.stop() || result.a_ms.empty()) return std::unexpected(second.error());
      result.interrupted = true;
      break;
    }
    result.a_ms.push_back(a_first ? *first : *second);
    result.b_ms.push_back(a_first ? *second : *first);
    result.seconds = now() - start;

    const auto pairs = static_cast<int>(result.a_ms.size());
    const bool last = pairs >= options.most_pairs;
    if (last || (pairs >= options.least_pairs && result.seconds >= looks[next_look] * options.seconds)) {
      look(result, options);
      if (result.outcome != Outcome::undecided || last) return result;
      // Looks that were missed are not made up for.
      while (next_look < looks.size() && result.seconds >= looks[next_look] * options.seconds) ++next_look;
    } else {
      result.ratio = median(ratios_of(result.a_ms, result.b_ms));
    }
    if (hooks.progress) hooks.progress(result);
  }
  // Takes the place of the looks that will not come.
  if (result.interrupted && static_cast<int>(result.a_ms.size()) >= options.least_pairs) look(result, options);
  return result;
}

}  // namespace sw
