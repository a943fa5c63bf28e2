#include "baseline_json.hpp"

namespace sw {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const report::Estimate& estimate) {
  return {{"median", estimate.value}, {"low", estimate.low}, {"high", estimate.high}};
}

ordered_json to_json(const Score& score) {
  const Interval interval = score.interval();
  return {{"right", score.right}, {"asked", score.asked}, {"low", interval.low}, {"high", interval.high}};
}

ordered_json to_json(const BaselineRow& row, const std::vector<TaskItem>& suite) {
  ordered_json json = {{"model", row.model}, {"weights", row.weights}, {"real_weights", row.real}};
  if (!row.error.empty()) json["error"] = row.error;
  if (row.speed) {
    json["load_ms"] = to_json(row.speed->load_ms);
    json["peak_rss_bytes"] = row.speed->memory_bytes;
    json["ttft_ms"] = to_json(row.speed->ttft_ms);
    json["prefill_tok_s"] = to_json(row.speed->prefill_tok_s);
    json["decode_tok_s"] = to_json(row.speed->decode_tok_s);
    json["joules_per_token"] = row.speed->joules_per_token ? ordered_json(*row.speed->joules_per_token) : nullptr;
  }
  if (!row.scores.empty()) {
    json["tasks"]["all"] = to_json(row.scores.total());
    for (const std::string& task : tasks_of(suite)) json["tasks"][task] = to_json(row.scores.of_task(task));
    json["questions_too_long"] = row.did_not_fit;
  }
  return json;
}

}  // namespace

ordered_json baseline_json(const BaselineSetup& setup, const std::vector<BaselineRow>& rows,
                           const std::vector<TaskItem>& suite) {
  ordered_json json = {{"prompt_tokens", setup.prompt_tokens},
                       {"new_tokens", setup.new_tokens},
                       {"threads", setup.threads},
                       {"enough", setup.enough},
                       {"interrupted", setup.interrupted},
                       {"models", ordered_json::array()},
                       {"map", ordered_json::array()}};
  for (const BaselineRow& row : rows) json["models"].push_back(to_json(row, suite));
  const std::vector<Contender> models = contenders(rows);
  for (const std::string& task : tasks_of(suite))
    for (int grade = 1; grade <= grades_of(suite); ++grade) {
      ordered_json cell = {{"task", task}, {"grade", grade}, {"smallest_sufficient", nullptr}};
      if (const auto found = smallest_sufficient(models, {task, grade}, setup.enough)) {
        cell["smallest_sufficient"] = found->model;
        cell["score"] = to_json(found->score);
        cell["sure"] = found->confidence == Confidence::sure;
      }
      json["map"].push_back(std::move(cell));
    }
  return json;
}

}  // namespace sw
