#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "baseline/document.hpp"

namespace sw {

/// prompt_tokens, new_tokens, threads, enough, interrupted; models[]: model, weights, real_weights, and the medians
/// with their intervals, joules_per_token (null: not readable), tasks{all, …} of those with trained weights, or error;
/// map[]: task, grade, smallest_sufficient (null: none), score, sure.
nlohmann::ordered_json baseline_json(const BaselineSetup& setup, const std::vector<BaselineRow>& rows,
                                     const std::vector<TaskItem>& suite);

}  // namespace sw
