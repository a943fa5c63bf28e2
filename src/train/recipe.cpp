#include "train/recipe.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include <fmt/core.h>
#include <toml++/toml.h>

#include "base/file.hpp"

namespace sw::train {
namespace {

nlohmann::json to_json(const toml::node& node) {
  nlohmann::json out;
  node.visit([&](const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, toml::table>) {
      out = nlohmann::json::object();
      for (const auto& [key, inner] : value) out[std::string(key.str())] = to_json(inner);
    } else if constexpr (std::is_same_v<Value, toml::array>) {
      out = nlohmann::json::array();
      for (const auto& inner : value) out.push_back(to_json(inner));
    } else if constexpr (std::is_same_v<Value, toml::value<std::string>> || std::is_same_v<Value, toml::value<bool>> ||
                         std::is_same_v<Value, toml::value<std::int64_t>> ||
                         std::is_same_v<Value, toml::value<double>>) {
      out = value.get();
    }
  });
  return out;
}

/// One table of the recipe. Remembers the first thing that is wrong, and which keys were asked for, so that a
/// misspelt one is found.
class Section {
 public:
  Section(const toml::table* table, std::string name, std::string where)
      : table_(table), name_(std::move(name)), where_(std::move(where)) {}

  bool there() const { return table_ != nullptr; }
  bool has(std::string_view key) {
    known_.insert(std::string(key));
    return table_ && table_->contains(key);
  }

  template <class T>
  void number(std::string_view key, T& out, double low, double high) {
    if (!has(key)) return;
    const auto value = table_->get(key)->template value<double>();
    if (!value || !(*value >= low && *value <= high) || (std::is_integral_v<T> && *value != std::floor(*value)))
      return refuse(key,
                    fmt::format("{} from {} to {}", std::is_integral_v<T> ? "a whole number" : "a number", low, high));
    out = static_cast<T>(*value);
  }
  void text(std::string_view key, std::string& out) {
    if (!has(key)) return;
    if (const auto value = table_->get(key)->value<std::string>())
      out = *value;
    else
      refuse(key, "a text");
  }
  void flag(std::string_view key, bool& out) {
    if (!has(key)) return;
    if (const auto* value = table_->get(key)->as_boolean())
      out = value->get();
    else
      refuse(key, "true or false");
  }
  template <class T>
  void choice(std::string_view key, T& out, std::initializer_list<std::pair<const char*, T>> values) {
    if (!has(key)) return;
    const auto name = table_->get(key)->value<std::string>();
    std::string names;
    for (const auto& [text, value] : values) {
      if (name == text) {
        out = value;
        return;
      }
      names += (names.empty() ? "" : ", ") + std::string(text);
    }
    refuse(key, "one of " + names);
  }
  void path(std::string_view key, std::filesystem::path& out, const std::filesystem::path& folder) {
    std::string value;
    text(key, value);
    if (!value.empty()) out = folder / value;
  }
  void paths(std::string_view key, std::vector<std::filesystem::path>& out, const std::filesystem::path& folder) {
    if (!has(key)) return;
    const toml::node* node = table_->get(key);
    if (const auto one = node->value<std::string>()) {
      out.push_back(folder / *one);
      return;
    }
    const auto* list = node->as_array();
    if (!list) return refuse(key, "a file name or a list of them");
    for (const toml::node& item : *list) {
      const auto value = item.value<std::string>();
      if (!value) return refuse(key, "a list of file names");
      out.push_back(folder / *value);
    }
  }

  /// The first thing that was wrong, or a key that nobody asked for.
  Status finish() const {
    if (error_) return std::unexpected(*error_);
    if (!table_) return {};
    for (const auto& [key, value] : *table_)
      if (!known_.contains(std::string(key.str()))) {
        std::string names;
        for (const std::string& known : known_) names += (names.empty() ? "" : ", ") + known;
        return fail(fmt::format("[{}] has no key '{}'", name_, key.str()), where_, "one of " + names);
      }
    return {};
  }

 private:
  void refuse(std::string_view key, std::string expected) {
    if (!error_) error_ = Error{fmt::format("[{}] {} is not right", name_, key), where_, std::move(expected), {}};
  }

  const toml::table* table_;
  std::string name_, where_;
  std::set<std::string> known_;
  std::optional<Error> error_;
};

constexpr double many = 1e12;

Status read_model(const toml::table* table, const std::filesystem::path& folder, const std::string& where,
                  Recipe::Model& model) {
  if (!table)
    return fail("there is no [model]", where, "a table like a config.json, or from = \"a Hugging Face folder\"");
  if (const auto from = (*table)["from"].value<std::string>()) {
    model.from = folder / *from;
    if (table->size() > 1) return fail("[model] has other keys beside 'from'", where, "one or the other");
    return {};
  }
  model.config_json = to_json(*table).dump();
  return {};
}

Status read_tokenizer(Section section, const std::filesystem::path& folder, Recipe::Tokenizer& tokenizer) {
  section.path("path", tokenizer.path, folder);
  section.number("vocab_size", tokenizer.vocab_size, 256, 1e6);
  section.flag("chat", tokenizer.chat);
  return section.finish();
}

Status read_data(Section section, const std::filesystem::path& folder, Recipe::Data& data) {
  section.paths("train", data.train, folder);
  section.paths("validation", data.validation, folder);
  section.paths("first", data.first, folder);
  section.number("first_steps", data.first_steps, 0, many);
  section.number("validation_share", data.validation_share, 0, 0.5);
  section.text("separator", data.separator);
  section.number("prompt_weight", data.prompt_weight, 0, 1);
  section.number("sequence", data.sequence, 2, 1 << 20);
  return section.finish();
}

Status read_run(Section section, Recipe::Run& run) {
  section.number("steps", run.steps, 1, many);
  section.number("batch_tokens", run.batch_tokens, 2, 1e9);
  section.number("micro_tokens", run.micro_tokens, 0, 1e9);
  section.choice<ScheduleKind>(
      "schedule", run.schedule.kind,
      {{"constant", ScheduleKind::constant}, {"cosine", ScheduleKind::cosine}, {"wsd", ScheduleKind::wsd}});
  section.number("rate", run.schedule.rate, 0, 10);
  section.number("warmup", run.schedule.warmup, 0, 1);
  section.number("decay", run.schedule.decay, 0, 1);
  section.number("floor", run.schedule.floor, 0, 1);
  section.choice<OptimizerKind>("optimizer", run.optimizer.kind,
                                {{"adamw", OptimizerKind::adamw}, {"muon", OptimizerKind::muon}});
  section.number("beta1", run.optimizer.beta1, 0, 0.9999);
  section.number("beta2", run.optimizer.beta2, 0, 0.99999);
  section.number("epsilon", run.optimizer.epsilon, 0, 1);
  section.number("weight_decay", run.optimizer.weight_decay, 0, 10);
  section.number("momentum", run.optimizer.momentum, 0, 0.9999);
  section.number("clip", run.clip, 0, 1e6);
  section.number("average", run.average, 0, 0.999999);
  section.choice<Precision>("precision", run.precision, {{"fp32", Precision::fp32}, {"bf16", Precision::bf16}});
  section.flag("recompute", run.recompute);
  section.number("save_every", run.save_every, 1, many);
  section.number("validate_every", run.validate_every, 1, many);
  section.number("validation_tokens", run.validation_tokens, 2, many);
  section.number("keep", run.keep, 1, 1000);
  run.schedule.steps = run.steps;
  return section.finish();
}

Status read_distillation(Section section, const std::filesystem::path& folder, Recipe& recipe) {
  if (!section.there()) return {};
  DistillationRecipe& d = recipe.distillation.emplace();
  section.path("teacher", d.teacher, folder);
  section.path("targets", d.targets, folder);
  section.number("top_k", d.top_k, 1, 65536);
  section.number("temperature", d.options.temperature, 0.01, 100);
  section.number("kl", d.options.kl, 0, 1);
  section.number("reverse_kl", d.options.reverse_kl, 0, 1);
  section.number("cross_entropy", d.options.cross_entropy, 0, 1);
  SW_TRY(section.finish());
  if (d.teacher.empty()) return fail("[distill] names no teacher", recipe.file.string(), "teacher = \"MODEL\"");
  return {};
}

}  // namespace

Result<Recipe> parse_recipe(std::string_view text, const std::filesystem::path& path) {
  toml::table table;
  try {
    table = toml::parse(text, path.string());
  } catch (const toml::parse_error& error) {
    std::ostringstream place;
    place << error.source().begin;
    return fail(std::string(error.description()), path.string() + ", " + place.str(), "TOML");
  }
  Recipe recipe;
  recipe.file = path;
  const std::string where = path.string();
  const std::filesystem::path folder = path.parent_path();
  Section top(&table, "recipe", where);
  recipe.name = path.stem().string();
  recipe.out = folder / "runs" / recipe.name;
  top.text("name", recipe.name);
  top.number("seed", recipe.seed, 0, 9e15);
  top.path("out", recipe.out, folder);
  for (const char* section : {"model", "tokenizer", "data", "train", "distill"})
    if (top.has(section) && !table[section].is_table())
      return fail(fmt::format("'{}' is not a table", section), where, fmt::format("[{}]", section));
  SW_TRY(top.finish());
  const auto section = [&](const char* name) { return Section(table[name].as_table(), name, where); };
  SW_TRY(read_model(table["model"].as_table(), folder, where, recipe.model));
  SW_TRY(read_tokenizer(section("tokenizer"), folder, recipe.tokenizer));
  SW_TRY(read_data(section("data"), folder, recipe.data));
  SW_TRY(read_run(section("train"), recipe.run));
  SW_TRY(read_distillation(section("distill"), folder, recipe));
  if (recipe.data.train.empty()) return fail("[data] names no files to train on", where, "train = [\"text.txt\"]");
  if (recipe.data.first.empty() != (recipe.data.first_steps == 0))
    return fail("[data] has only one of 'first' and 'first_steps'", where, "first = [\"text.txt\"], first_steps = 500");
  if (recipe.data.first_steps >= recipe.run.steps)
    return fail(fmt::format("[data] first_steps is {} of {} steps, which leaves none for 'train'",
                            recipe.data.first_steps, recipe.run.steps),
                where, "fewer than [train] steps");
  if (recipe.run.batch_tokens < recipe.data.sequence)
    return fail(fmt::format("[train] batch_tokens is {}", recipe.run.batch_tokens), where,
                fmt::format("at least one sequence of {}", recipe.data.sequence));
  if (recipe.run.micro_tokens == 0) recipe.run.micro_tokens = recipe.run.batch_tokens;
  recipe.run.micro_tokens =
      std::clamp<std::int64_t>(recipe.run.micro_tokens, recipe.data.sequence, recipe.run.batch_tokens);
  return recipe;
}

Result<Recipe> read_recipe(const std::filesystem::path& path) {
  SW_ASSIGN(const std::string text, read_text_file(path, 1 << 20));
  return parse_recipe(text, path);
}

}  // namespace sw::train
