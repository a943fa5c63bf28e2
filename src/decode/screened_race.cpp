#include "decode/screened_race.hpp"

#include <array>
#include <bit>

#include "decode/sampler.hpp"

namespace sw {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// How many rows that were left out are bounded by `least` or more.
std::int64_t count_bounded(const LogitsRow& row, float least) {
  std::int64_t n = 0;
  for (std::size_t i = 0; i < row.values.size(); ++i) n += row.values[i] == -infinity && !(row.bounds[i] < least);
  return n;
}

/// At least Σ exp((bound − largest) / temperature) over the rows that were left out, which is below `largest` for all of
/// them. 2^x is at most what a float's bits are for x + 127: its chord. Sixteen sums at once keep the processor busy.
double bounded_weight(const LogitsRow& row, float largest, float temperature) {
  constexpr std::size_t lanes = 16;
  constexpr float log2_e = 1.4426951f;
  const float scale = log2_e / temperature;
  std::array<float, lanes> sums{};
  const auto add = [&](std::size_t i, std::size_t lane) {
    const float x = row.values[i] == -infinity ? std::max(-126.0f, (row.bounds[i] - largest) * scale) : -126.0f;
    sums[lane] += std::bit_cast<float>(static_cast<std::int32_t>((x + 127.0f) * 0x1p23f));
  };
  std::size_t i = 0;
  for (; i + lanes <= row.values.size(); i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) add(i + lane, lane);
  for (; i < row.values.size(); ++i) add(i, 0);
  double sum = 0;
  for (const float part : sums) sum += part;
  // Sums of n terms lost at most n parts in 2²⁴; x has its own rounding.
  return sum * (1.001 + static_cast<double>(row.values.size()) * 0x1p-24);
}

}  // namespace

std::optional<TokenId> ScreenedRace::choose(const LogitsRow& row, const Race& race, const SamplingOptions& options,
                                            const Adjust& adjust) {
  const auto token = search(row, race, options, adjust);
  constexpr int longest = 64;
  pause_ = token ? 0 : next_pause_;
  next_pause_ = token ? 1 : std::min(4 * next_pause_, longest);
  return token;
}

std::optional<TokenId> ScreenedRace::search(const LogitsRow& row, const Race& race, const SamplingOptions& options,
                                            const Adjust& adjust) {
  const auto collect = [&] {
    known_.clear();
    for (std::size_t i = 0; i < row.values.size(); ++i)
      if (row.values[i] > -infinity) known_.push_back({static_cast<TokenId>(i), sanitized(row.values[i])});
    adjust(known_);
    std::erase_if(known_, [](const TokenLogit& known) { return known.logit == -infinity; });
  };
  float level = infinity;  // all rows that may reach it are known
  const auto lower = [&](float to) {
    const std::int64_t most = std::ssize(row.values) / 8;
    if (std::ssize(known_) + count_bounded(row, to) > most) return false;
    row.compute(to);
    collect();
    level = to;
    return true;
  };
  const auto largest = [&] { return std::ranges::max(known_, {}, &TokenLogit::logit).logit; };

  collect();
  racing_ = known_;
  while (!racing_.empty()) {
    const TokenId token = winner(race, racing_, [](const TokenLogit& known) { return known.logit; });
    const float logit = std::ranges::find(racing_, token, &TokenLogit::token)->logit;
    if (options.top_p == 1 && options.min_p == 0) return token;

    // Logits within this may be equal once they are divided by the temperature.
    const auto tie = [&] { return 1e-6f * (std::abs(logit) + std::abs(largest())); };
    while (level > logit - tie())
      if (!lower(logit - tie())) return std::nullopt;
    const float most = largest(), near = tie();
    bool kept = std::exp((logit - most) / options.temperature) >= options.min_p;
    if (kept && options.top_p < 1) {
      const auto weight = [&](float x) { return std::exp((double{x} - most) / options.temperature); };
      constexpr double margin = 2e-5;
      for (float step = options.temperature;; step *= 2) {
        double before = 0, perhaps_before = 0, computed = 0;
        for (const TokenLogit& known : known_) {
          const double w = weight(known.logit);
          computed += w;
          if (known.logit > logit + near) before += w;
          if (known.logit >= logit - near && known.token != token) perhaps_before += w;
        }
        kept = perhaps_before * (1 + margin) < options.top_p * computed;
        if (kept) break;
        const double rest = bounded_weight(row, most, options.temperature);
        if (before > options.top_p * (computed + rest) * (1 + margin)) break;
        if (!lower(level - step)) return std::nullopt;
      }
    }
    if (kept) return token;
    racing_ = known_;
    std::erase_if(racing_, [&](const TokenLogit& known) {
      return known.logit < logit || (known.logit == logit && known.token >= token);
    });
  }
  return std::nullopt;
}

}  // namespace sw
