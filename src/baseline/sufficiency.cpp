#include "baseline/sufficiency.hpp"

namespace sw {

void ScoreCard::add(const TaskItem& item, bool is_right) {
  Score& score = cells_[{item.task, item.grade}];
  score.right += is_right;
  ++score.asked;
}

Score ScoreCard::at(const Cell& cell) const {
  const auto it = cells_.find(cell);
  return it == cells_.end() ? Score{} : it->second;
}

Score ScoreCard::of_task(const std::string& task) const {
  Score sum;
  for (const auto& [cell, score] : cells_)
    if (cell.first == task) sum = {sum.right + score.right, sum.asked + score.asked};
  return sum;
}

Score ScoreCard::total() const {
  Score sum;
  for (const auto& [cell, score] : cells_) sum = {sum.right + score.right, sum.asked + score.asked};
  return sum;
}

std::optional<Sufficient> smallest_sufficient(std::span<const Contender> contenders, const Cell& cell, double enough) {
  for (const auto& [name, scores] : contenders) {
    const Score score = scores->at(cell);
    if (score.asked == 0 || score.share() < enough) continue;
    const bool sure = score.interval().low >= enough;
    return Sufficient{name, score, sure ? Confidence::sure : Confidence::likely};
  }
  return std::nullopt;
}

std::vector<TaskItem> choose_items(const std::vector<TaskItem>& suite, int per_cell) {
  if (per_cell <= 0) return suite;
  std::map<Cell, int> sizes, seen;
  for (const TaskItem& item : suite) ++sizes[{item.task, item.grade}];
  std::vector<TaskItem> chosen;
  for (const TaskItem& item : suite) {
    const Cell cell{item.task, item.grade};
    const int size = sizes[cell], i = seen[cell]++;
    // Item i begins one of `per_cell` equal parts of the cell.
    if (size <= per_cell || (i + 1) * per_cell / size > i * per_cell / size) chosen.push_back(item);
  }
  return chosen;
}

}  // namespace sw
