#include "game_plot.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "game/policies.hpp"

namespace sw {
namespace {

using game::Content;
using game::Policy;

constexpr Policy policies[] = {Policy::random, Policy::attentive, Policy::hints, Policy::expert};
constexpr int rows = 20;

struct Range {
  std::vector<int> median, least, most;  ///< found, by number of combinations
};

Range curves(const Content& content, Policy policy, int attempts, int seeds) {
  std::vector<std::vector<int>> all;
  for (int seed = 1; seed <= seeds; ++seed) {
    all.push_back(play_policy(content, policy, static_cast<std::uint64_t>(seed), attempts).found);
    all.back().resize(static_cast<std::size_t>(attempts) + 1, all.back().back());
  }
  Range out;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(attempts); ++i) {
    std::vector<int> here;
    for (const auto& curve : all) here.push_back(curve[i]);
    std::ranges::sort(here);
    out.least.push_back(here.front());
    out.median.push_back(here[here.size() / 2]);
    out.most.push_back(here.back());
  }
  return out;
}

}  // namespace

Report plot_policies(const Content& content, const TextStyle& style, int attempts, int seeds) {
  const int columns = std::max(20, style.width - 10);
  std::vector<std::vector<std::string>> canvas(rows, std::vector<std::string>(static_cast<std::size_t>(columns), " "));
  Report report;
  report.json = {{"concepts", content.size()},
                 {"attempts", attempts},
                 {"seeds", seeds},
                 {"policies", nlohmann::ordered_json::array()}};
  std::string legend;
  for (const Policy policy : policies) {
    const Range range = curves(content, policy, attempts, seeds);
    const std::string_view name = game::policy_names[static_cast<std::size_t>(policy)];
    for (int column = 0; column < columns; ++column) {
      const auto at = static_cast<std::size_t>(static_cast<long>(column) * attempts / (columns - 1));
      const int row = rows - 1 - range.median[at] * (rows - 1) / static_cast<int>(content.size());
      canvas[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] =
          style.graded(static_cast<int>(policy) + 1, name.substr(0, 1));
    }
    const auto half =
        std::ranges::find_if(range.median, [&](int n) { return 2 * static_cast<std::size_t>(n) >= content.size(); });
    const std::string to_half = half == range.median.end() ? fmt::format("more than {}", attempts)
                                                           : std::to_string(half - range.median.begin());
    legend += fmt::format("  {}  {:<9} {:>4} found after {} combinations ({} to {}); half after {}\n",
                          style.graded(static_cast<int>(policy) + 1, name.substr(0, 1)), name, range.median.back(),
                          attempts, range.least.back(), range.most.back(), to_half);
    report.json["policies"].push_back(
        {{"policy", name}, {"median", range.median}, {"least", range.least}, {"most", range.most}});
  }
  std::string text = "\n";
  for (int row = 0; row < rows; ++row) {
    const std::size_t value = content.size() * static_cast<std::size_t>(rows - 1 - row) / (rows - 1);
    text += row % 4 == 3 || row == 0 ? fmt::format("  {:>4} │", value) : "       │";
    for (const std::string& cell : canvas[static_cast<std::size_t>(row)]) text += cell;
    text += '\n';
  }
  text += "       └";
  for (int i = 0; i < columns; ++i) text += "─";
  text += fmt::format("\n        0{:>{}}\n\n", attempts, columns - 1);
  report.text = style.finish(text + legend + fmt::format("\n  Medians over {} seeds.\n", seeds));
  return report;
}

}  // namespace sw
