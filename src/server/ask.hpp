#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "server/models.hpp"

namespace sw {

/// What a served model said, and which one it was.
struct Asked {
  std::string text, model;
};
/// Puts one question to the first served model and waits for the answer.
using Ask = std::function<Result<Asked>(const std::string& question)>;

struct AskOptions {
  int max_tokens = 80;
  float temperature = 0.7F;
  std::chrono::milliseconds limit{20000};
};

/// For parts of the program that are no HTTP clients. Requests of clients go first. The same question has the same
/// answer. Waits: not for the thread of all connections, nor for one that others wait for.
Result<Asked> ask(Models& models, const std::string& question, const AskOptions& options = {});

}  // namespace sw
