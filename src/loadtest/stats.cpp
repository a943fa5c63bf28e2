#include "loadtest/stats.hpp"

#include <algorithm>
#include <numeric>

namespace sw::loadtest {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::size_t most_seconds = 1 << 17;  // a day and a half; later ones are counted in the last

double ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

bool meets(const std::optional<double>& limit_ms, double value_ms) {
  return !limit_ms || value_ms <= *limit_ms;
}

/// "http_status 503": what failures are counted by.
std::string key(const Failure& failure) {
  std::string text(name(failure.kind));
  if (failure.kind == FailureKind::http_status && failure.detail.size() >= 8) text += failure.detail.substr(4, 4);
  return text;
}

}  // namespace

SecondStats& LoadStats::second(std::int64_t ns) {
  const std::size_t i = std::min(static_cast<std::size_t>(std::max<std::int64_t>(ns, 0) / second_ns), most_seconds - 1);
  if (i >= seconds.size()) seconds.resize(i + 1);
  return seconds[i];
}

void LoadStats::on_start(std::int64_t scheduled_ns, std::optional<std::int64_t> late_ns) {
  ++offered;
  ++second(scheduled_ns).offered;
  if (late_ns) late.add(*late_ns);
}

void LoadStats::on_answer(const RequestTimes& times) {
  ++answered;
  tokens += times.tokens;
  events += static_cast<std::int64_t>(times.gaps_ns.size()) + 1;
  const std::int64_t ttft_ns = times.first_text_ns - times.scheduled_ns, e2e_ns = times.end_ns - times.scheduled_ns;
  ttft.add(ttft_ns);
  e2e.add(e2e_ns);
  for (const std::int64_t gap : times.gaps_ns) itl.add(gap);
  second(times.scheduled_ns).ttft.add(ttft_ns);
  ++second(times.end_ns).answered;
  last_end_ns = std::max(last_end_ns, times.end_ns);

  const std::int64_t writing_ns = std::accumulate(times.gaps_ns.begin(), times.gaps_ns.end(), std::int64_t{0});
  const double mean_gap_ms = times.gaps_ns.empty() ? 0 : ms(writing_ns) / static_cast<double>(times.gaps_ns.size());
  if (meets(slo_.ttft_ms, ms(ttft_ns)) && meets(slo_.itl_ms, mean_gap_ms) && meets(slo_.e2e_ms, ms(e2e_ns))) ++good;
}

void LoadStats::on_failure(const Failure& failure, std::int64_t end_ns) {
  auto [it, is_new] = failures.try_emplace(key(failure), FailureCount{failure.kind, 0, failure.detail});
  ++it->second.count;
  ++second(end_ns).failed;
  last_end_ns = std::max(last_end_ns, end_ns);
}

void LoadStats::merge(const LoadStats& other) {
  ttft.merge(other.ttft);
  itl.merge(other.itl);
  e2e.merge(other.e2e);
  late.merge(other.late);
  offered += other.offered;
  answered += other.answered;
  good += other.good;
  unfinished += other.unfinished;
  tokens += other.tokens;
  events += other.events;
  retried += other.retried;
  queued += other.queued;
  last_end_ns = std::max(last_end_ns, other.last_end_ns);
  for (const auto& [kind, theirs] : other.failures) {
    auto [it, is_new] = failures.try_emplace(kind, theirs);
    if (!is_new) it->second.count += theirs.count;
  }
  if (seconds.size() < other.seconds.size()) seconds.resize(other.seconds.size());
  for (std::size_t i = 0; i < other.seconds.size(); ++i) {
    seconds[i].offered += other.seconds[i].offered;
    seconds[i].answered += other.seconds[i].answered;
    seconds[i].failed += other.seconds[i].failed;
    seconds[i].ttft.merge(other.seconds[i].ttft);
  }
}

std::int64_t LoadStats::failed() const {
  std::int64_t total = 0;
  for (const auto& [kind, failure] : failures) total += failure.count;
  return total;
}

double LoadStats::error_rate() const {
  const std::int64_t ended = answered + failed();
  return ended == 0 ? 0 : static_cast<double>(failed()) / static_cast<double>(ended);
}

}  // namespace sw::loadtest
