#include "loadtest/arrivals.hpp"

#include <cmath>

#include "loadtest/random.hpp"

namespace sw::loadtest {
namespace {

constexpr std::uint64_t stream = 0xA221;

}  // namespace

std::optional<double> Arrivals::next() {
  const std::uint64_t i = index_++;
  if (const auto* replay = std::get_if<Replay>(&workload_))
    return i < replay->at_s.size() ? std::optional(replay->at_s[i]) : std::nullopt;
  const auto* open = std::get_if<OpenLoop>(&workload_);
  if (!open) return std::nullopt;
  if (!open->poisson) return static_cast<double>(i) / open->rate;
  now_s_ -= std::log(random_fraction(seed_, stream, i)) / open->rate;
  return now_s_;
}

}  // namespace sw::loadtest
