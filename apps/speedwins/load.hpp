#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "commands.hpp"
#include "decode/session.hpp"
#include "model/model.hpp"

namespace sw {

/// Which model to run, and how: the flags every command that runs one has.
struct ModelFlags {
  std::string model;
  int threads = 0;  ///< 0: one per hardware thread
  int context = 0;  ///< 0: the checkpoint's own
  KvType kv_type = default_kv_type;
};

/// MODEL as a positional argument.
void add_model_argument(CLI::App& command, std::string& model);
void add_kv_flag(CLI::App& command, KvType& type);
/// MODEL, -t, --ctx and --kv.
void add_model_flags(CLI::App& command, ModelFlags& flags);

struct LoadedModel {
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<const Model> model;
  double load_ms = 0;
};

Result<LoadedModel> load_model(const ModelFlags& flags);

}  // namespace sw
