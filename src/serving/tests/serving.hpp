#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "decode/session.hpp"
#include "serving/engine.hpp"

namespace sw {

inline constexpr const char* demo = SPEEDWINS_SOURCE_DIR "/models/demo.gguf";
inline constexpr const char* recurrent = SPEEDWINS_SOURCE_DIR "/tests/golden/models/mamba";

/// A model and the threads to run it.
struct Served {
  std::shared_ptr<Compute> compute;
  std::shared_ptr<Model> model = std::make_shared<Model>();

  explicit Served(const char* path, int n_threads = 1) : compute(std::make_shared<Compute>(n_threads)) {
    auto opened = open_model(path, {}, compute->pool);
    auto with_tokenizer = open_model(demo, {}, compute->pool);
    if (!opened || !with_tokenizer) throw std::runtime_error("a model of the test cannot be opened");
    *model = std::move(*opened);
    model->tokenizer = with_tokenizer->tokenizer;  // the goldens of the families have none
  }

  std::unique_ptr<Engine> engine(const EngineOptions& options = {}) {
    auto created = Engine::create(model, compute, options);
    if (!created) throw std::runtime_error(created.error().message());
    return std::move(*created);
  }
};

/// A choice's outputs put together.
struct Answer {
  std::vector<TokenId> tokens;
  std::vector<float> logprobs, embedding;
  std::string text;
  std::optional<Finish> finish;

  void add(Output&& output) {
    for (const SampledToken& sampled : output.tokens) {
      tokens.push_back(sampled.token);
      logprobs.push_back(sampled.logprob);
    }
    text += output.text;
    if (!output.embedding.empty()) embedding = std::move(output.embedding);
    if (output.finish) finish = std::move(output.finish);
  }
};

/// Sinks that keep what they are given, and a way to wait for it.
class Answers {
 public:
  Sink sink(int request) {
    {
      const std::lock_guard lock(mutex_);
      ++open_;
    }
    return [this, request](Output&& output) {
      const std::lock_guard lock(mutex_);
      const bool done = output.done;
      answers_[{request, output.choice}].add(std::move(output));
      if (done) --open_;
      changed_.notify_all();
    };
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_ == 0; });
  }
  void wait_for_tokens(int request, std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return answers_[{request, 0}].tokens.size() >= n; });
  }
  /// Only after wait().
  const Answer& of(int request, int choice = 0) { return answers_[{request, choice}]; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<int, int>, Answer> answers_;
  int open_ = 0;
};

/// The same choice of a request in a session of its own.
inline Answer alone(const Served& served, const Request& request, int choice = 0) {
  ThreadPool pool(1);
  auto session = Session::create(*served.model, pool, {});
  GenerationOptions options;
  static_cast<TextOptions&>(options) = request;
  options.sampling.seed += static_cast<std::uint64_t>(choice);
  auto generation = session->generate(request.prompt, options, {});
  if (!generation) throw std::runtime_error(generation.error().message());
  Answer answer;
  for (const SampledToken& sampled : generation->tokens) {
    answer.tokens.push_back(sampled.token);
    answer.logprobs.push_back(sampled.logprob);
  }
  answer.text = generation->text;
  answer.finish = Finish{generation->finish_reason, {}, {}};
  return answer;
}

/// `n` ids of a small vocabulary.
inline std::vector<TokenId> some_tokens(int n, int from = 5) {
  std::vector<TokenId> tokens;
  for (int i = 0; i < n; ++i) tokens.push_back((from + 7 * i + i * i % 11) % 250);
  return tokens;
}

inline Request request_of(std::vector<TokenId> prompt, int max_tokens) {
  Request request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  request.ignore_eos = true;
  request.sampling.top_logprobs = 0;
  return request;
}

}  // namespace sw
