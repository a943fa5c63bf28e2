#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "measure/statistics.hpp"
#include "tasks/task.hpp"

namespace sw {

/// Right answers among those given.
struct Score {
  int right = 0, asked = 0;

  double share() const { return asked == 0 ? 0 : static_cast<double>(right) / asked; }
  Interval interval() const { return wilson_interval(right, asked); }
};

/// A task at a grade: what the map from complexity to models is drawn over.
using Cell = std::pair<std::string, int>;

/// What a model got right, cell by cell.
class ScoreCard {
 public:
  void add(const TaskItem& item, bool is_right);
  Score at(const Cell& cell) const;
  Score of_task(const std::string& task) const;
  Score total() const;
  bool empty() const { return cells_.empty(); }

 private:
  std::map<Cell, Score> cells_;
};

/// A model of which there is a score card.
struct Contender {
  std::string name;
  const ScoreCard* scores = nullptr;
};

enum class Confidence {
  sure,    ///< the whole 95 % interval is at or above what is enough
  likely,  ///< only the share itself is
};
struct Sufficient {
  std::string model;
  Score score;
  Confidence confidence = Confidence::likely;
};

/// The first of `contenders`, which are in order of size, with a share of right answers of at least `enough`.
std::optional<Sufficient> smallest_sufficient(std::span<const Contender> contenders, const Cell& cell, double enough);

/// `per_cell` items of each cell, spread evenly over it; all of them where it is 0.
std::vector<TaskItem> choose_items(const std::vector<TaskItem>& suite, int per_cell);

}  // namespace sw
