#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "train/distillation.hpp"
#include "train/gemm.hpp"
#include "train/optimizer.hpp"
#include "train/schedule.hpp"

namespace sw::train {

/// What a training run is, as its TOML file says. Paths in it are relative to the file.
struct Recipe {
  std::filesystem::path file;
  std::string name;
  std::uint64_t seed = 0;
  std::filesystem::path out;  ///< everything the run writes

  struct Model {
    /// config.json of a family that this program runs, written in TOML. vocab_size comes from the tokenizer.
    std::string config_json;
    std::filesystem::path from;  ///< a Hugging Face folder to go on from instead
  } model;

  struct Tokenizer {
    std::filesystem::path path;  ///< a tokenizer.json; empty: one is trained on the data
    int vocab_size = 4096;
    bool chat = false;  ///< with ChatML's special tokens and template
  } tokenizer;

  struct Data {
    std::vector<std::filesystem::path> train, validation;
    std::vector<std::filesystem::path> first;  ///< what the first `first_steps` updates are made on, instead of `train`
    std::int64_t first_steps = 0;
    double validation_share = 0.01;  ///< of the documents, where no validation files are named
    std::string separator;           ///< cuts text files into documents
    float prompt_weight = 0;
    int sequence = 256;
  } data;

  struct Run {
    std::int64_t steps = 1000;
    std::int64_t batch_tokens = 8192;  ///< per update, at most
    std::int64_t micro_tokens = 0;     ///< through the network at a time; 0: the whole batch
    Schedule schedule;
    OptimizerOptions optimizer;
    double clip = 1;     ///< the gradients' norm; 0: off
    double average = 0;  ///< decay of the moving average of weights; 0: off
    Precision precision = Precision::fp32;
    bool recompute = false;
    std::int64_t save_every = 200, validate_every = 200, keep = 2;
    std::int64_t validation_tokens = 65536;
  } run;

  std::optional<DistillationRecipe> distillation;
};

Result<Recipe> read_recipe(const std::filesystem::path& path);
Result<Recipe> parse_recipe(std::string_view text, const std::filesystem::path& path);

}  // namespace sw::train
