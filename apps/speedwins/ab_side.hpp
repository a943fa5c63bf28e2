#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "evaluation/speed.hpp"
#include "load.hpp"
#include "quality_difference.hpp"
#include "tasks/task.hpp"

namespace sw {

/// One of the two configurations of `ab`: a model that this program runs, or a server's.
struct SideFlags {
  ModelFlags model;  ///< `model.model` may be a URL
  SpeedWork work{.prompt_tokens = 64, .new_tokens = 32};
  std::string served_model, key_file;  ///< of a server

  bool is_server() const;
};

/// Every flag in which the sides may differ, MODEL aside.
void add_side_flags(CLI::App& command, SideFlags& side);

/// The side's model and whatever distinguishes it from the other side, as one would type it.
std::string describe(const SideFlags& side, const SideFlags& other);

/// One run of a side's work.
struct SideSample {
  double prefill_ms = 0, ttft_ms = 0, decode_ms = 0, total_ms = 0;
  int prompt_tokens = 0, new_tokens = 0;  ///< of all sequences
};

/// A configuration that is ready to run.
class Side {
 public:
  virtual ~Side() = default;
  virtual Result<SideSample> run(const std::atomic<bool>* cancel) = 0;
  /// Puts a question to it. Multiple choice is answered by what it writes where `by_generation`.
  virtual Result<bool> answers_right(const TaskItem& item, bool by_generation, const std::atomic<bool>* cancel) = 0;
  /// What the loss on a text is computed with; null for a server.
  virtual const QualitySide* scorer() const = 0;
};

struct Sides {
  std::unique_ptr<Side> a, b;
};
/// The same file is loaded once: copies of it would lie at other addresses and differ by that.
Result<Sides> open_sides(const SideFlags& a, const SideFlags& b);

}  // namespace sw
