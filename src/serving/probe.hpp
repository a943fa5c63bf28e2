#pragma once

#include "base/error.hpp"
#include "model/executor.hpp"
#include "model/model.hpp"
#include "serving/step_budget.hpp"
#include "state/prefix_key.hpp"
#include "state/state.hpp"

namespace sw {

/// What a first short text tells about a model on this machine.
struct Probe {
  PrefixKey model;    ///< the same for models that leave the same state, bit for bit
  StepBudget budget;  ///< with a first idea of how long steps take
};

/// Reads a prompt of a few dozen tokens and continues it. Everything a request will use has been used then: weights and
/// buffers are in memory, threads are awake. `state` must be empty, and is again.
Result<Probe> probe(const Model& model, Executor& executor, StatePool& state);

}  // namespace sw
