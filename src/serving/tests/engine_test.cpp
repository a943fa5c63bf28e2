#include "serving/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "serving.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Answers are declared before the engine, which calls their sinks until it ends.

/// A folder that goes away with the test.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("speedwins-engine-test-" + std::to_string(::getpid()) + "-" +
                                               testing::UnitTest::GetInstance()->current_test_info()->name());
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
};

void expect_same(const Answer& served, const Answer& alone) {
  EXPECT_EQ(served.tokens, alone.tokens);
  EXPECT_EQ(served.logprobs, alone.logprobs);
  EXPECT_EQ(served.text, alone.text);
  ASSERT_TRUE(served.finish && alone.finish);
  EXPECT_EQ(served.finish->reason, alone.finish->reason);
}

/// Requests with common beginnings, repetitions, several choices, and all ways of sampling.
std::vector<Request> mixed_requests() {
  std::vector<Request> requests;
  const auto beginning = some_tokens(150);
  for (int i = 0; i < 24; ++i) {
    auto prompt = some_tokens(20 + 9 * i, i);
    if (i % 3 == 0) {
      prompt = beginning;
      prompt.resize(static_cast<std::size_t>(100 + 10 * (i % 4)));
      for (const TokenId token : some_tokens(1 + 5 * i, 3)) prompt.push_back(token);
    }
    if (i % 8 == 7) prompt = requests[static_cast<std::size_t>(i - 4)].prompt;
    Request request = request_of(std::move(prompt), 5 + 7 * (i % 6));
    if (i % 2) {
      request.sampling.temperature = 0.9f;
      request.sampling.top_p = i % 4 == 1 ? 0.9f : 1;
      request.sampling.top_k = i % 4 == 3 ? 20 : 0;
      request.sampling.seed = static_cast<std::uint64_t>(100 + i);
      request.sampling.repetition_penalty = i % 5 ? 1 : 1.1f;
    }
    if (i % 6 == 1) request.n = 3;
    request.client = "client " + std::to_string(i % 4);
    request.priority = i % 5 == 0 ? 1 : 0;
    requests.push_back(std::move(request));
  }
  return requests;
}

class Engines : public testing::TestWithParam<const char*> {};

TEST_P(Engines, every_request_gets_the_tokens_it_gets_alone) {
  Served served(GetParam(), 2);
  const auto requests = mixed_requests();
  std::map<std::pair<int, int>, Answer> expected;
  for (int i = 0; i < std::ssize(requests); ++i)
    for (int choice = 0; choice < requests[i].n; ++choice) expected[{i, choice}] = alone(served, requests[i], choice);

  const Folder folder;
  EngineOptions options;
  options.max_sequences = 6;
  options.max_batch_tokens = 48;
  options.cache_folder = folder.path;
  options.state_bytes = 1;  // one context: less than the texts need together
  std::uint64_t disk_tokens = 0, cached_tokens = 0;
  for (int start = 0; start < 3; ++start) {
    Answers answers;
    const auto engine = served.engine(options);
    std::vector<RequestId> unwanted;
    for (int i = 0; i < std::ssize(requests); ++i) {
      const auto id = engine->submit(requests[i], answers.sink(i));
      ASSERT_TRUE(id) << id.error().error.message();
      // A twin of every other request is cancelled at some moment of its life.
      if (i % 2) {
        const auto twin = engine->submit(requests[i], answers.sink(1000 + i));
        ASSERT_TRUE(twin) << twin.error().error.message();
        unwanted.push_back(*twin);
      }
      if (i % 5 == 4) {
        std::this_thread::sleep_for(10ms);
        for (const RequestId twin : unwanted) engine->cancel(twin);
        unwanted.clear();
      }
    }
    answers.wait();
    for (const auto& [key, answer] : expected) {
      SCOPED_TRACE("start " + std::to_string(start) + ", request " + std::to_string(key.first) + ", choice " +
                   std::to_string(key.second));
      expect_same(answers.of(key.first, key.second), answer);
    }
    const EngineStats stats = engine->stats();
    EXPECT_EQ(stats.running, 0);
    EXPECT_EQ(stats.queued, 0);
    cached_tokens += stats.cached_tokens;
    disk_tokens += stats.disk_tokens;
    engine->stop();
    EXPECT_EQ(engine->stats().blocks_used, 0);
  }
  EXPECT_GT(cached_tokens, 0u);
  EXPECT_GT(disk_tokens, 0u);
}

TEST_P(Engines, tokens_are_the_same_without_any_cache) {
  Served served(GetParam());
  EngineOptions options;
  options.prefix_cache = false;
  Answers answers;
  const auto engine = served.engine(options);
  const auto requests = mixed_requests();
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(engine->submit(requests[i], answers.sink(i)));
  answers.wait();
  for (int i = 0; i < 12; ++i)
    for (int choice = 0; choice < requests[i].n; ++choice)
      expect_same(answers.of(i, choice), alone(served, requests[i], choice));
  EXPECT_EQ(engine->stats().cached_tokens, 0u);
}

TEST_P(Engines, prompt_that_was_read_is_not_read_again) {
  Served served(GetParam());
  Answers answers;
  const auto engine = served.engine();
  const Request request = request_of(some_tokens(200), 4);
  ASSERT_TRUE(engine->submit(request, answers.sink(0)));
  answers.wait();
  ASSERT_TRUE(engine->submit(request, answers.sink(1)));
  answers.wait();
  EXPECT_EQ(answers.of(0).finish->timings.cached_tokens, 0);
  EXPECT_GE(answers.of(1).finish->timings.cached_tokens, 192);
  EXPECT_EQ(answers.of(1).finish->timings.disk_tokens, 0);
  expect_same(answers.of(1), answers.of(0));
}

TEST_P(Engines, prompt_is_known_after_a_restart) {
  Served served(GetParam());
  const Folder folder;
  EngineOptions options;
  options.cache_folder = folder.path;
  const Request request = request_of(some_tokens(200), 4);
  Answers answers;
  for (int start = 0; start < 2; ++start) {
    const auto engine = served.engine(options);
    ASSERT_TRUE(engine->submit(request, answers.sink(start)));
    answers.wait();
  }
  EXPECT_EQ(answers.of(0).finish->timings.cached_tokens, 0);
  EXPECT_EQ(answers.of(1).finish->timings.cached_tokens, 192);
  EXPECT_EQ(answers.of(1).finish->timings.disk_tokens, 192);
  expect_same(answers.of(1), answers.of(0));
}

TEST_P(Engines, damaged_cache_files_are_noticed_and_replaced) {
  Served served(GetParam());
  const Folder folder;
  EngineOptions options;
  options.cache_folder = folder.path;
  const Request request = request_of(some_tokens(200), 4);
  const Answer expected = alone(served, request);
  Answers answers;
  for (int start = 0; start < 3; ++start) {
    const auto engine = served.engine(options);
    ASSERT_TRUE(engine->submit(request, answers.sink(start)));
    answers.wait();
    engine->stop();
    expect_same(answers.of(start), expected);
    int damaged = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path)) {
      if (!entry.is_regular_file() || start > 0) continue;
      if (damaged++ % 2) {
        fs::resize_file(entry.path(), entry.file_size() / 2);
      } else {
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(100);
        const int byte = file.get();
        file.seekp(100);
        file.put(static_cast<char>(byte ^ 1));
      }
    }
    EXPECT_EQ(damaged > 0, start == 0);
  }
  EXPECT_EQ(answers.of(1).finish->timings.disk_tokens, 0);
  EXPECT_EQ(answers.of(2).finish->timings.disk_tokens, 192);
}

TEST_P(Engines, cancelled_request_ends_and_leaves_nothing_behind) {
  Served served(GetParam());
  Answers answers;
  const auto engine = served.engine();
  const auto id = engine->submit(request_of(some_tokens(50), 900), answers.sink(0));
  ASSERT_TRUE(id);
  answers.wait_for_tokens(0, 3);
  engine->cancel(*id);
  answers.wait();
  EXPECT_EQ(answers.of(0).finish->reason, FinishReason::cancelled);
  EXPECT_TRUE(engine->drain(10s));
  engine->stop();
  EXPECT_EQ(engine->stats().running, 0);
  EXPECT_EQ(engine->stats().blocks_used, 0);
  EXPECT_EQ(engine->stats().cancelled, 1u);
}

TEST_P(Engines, embeddings_do_not_depend_on_what_else_runs) {
  Served served(GetParam());
  EngineOptions options;
  options.max_sequences = 4;
  options.max_batch_tokens = 24;
  Answers answers;
  const auto engine = served.engine(options);
  Request request;
  request.kind = RequestKind::embed;
  request.prompt = some_tokens(150);
  ASSERT_TRUE(engine->submit(request, answers.sink(0)));
  answers.wait();
  for (int i = 1; i < 5; ++i) ASSERT_TRUE(engine->submit(request_of(some_tokens(40, i), 30), answers.sink(i)));
  ASSERT_TRUE(engine->submit(request, answers.sink(5)));
  answers.wait();
  const auto& embedding = answers.of(0).embedding;
  ASSERT_EQ(std::ssize(embedding), served.model->spec.width);
  EXPECT_EQ(embedding, answers.of(5).embedding);
  EXPECT_NEAR(std::inner_product(embedding.begin(), embedding.end(), embedding.begin(), 0.0), 1, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Attention, Engines, testing::Values(demo));
INSTANTIATE_TEST_SUITE_P(Recurrent, Engines, testing::Values(recurrent));

TEST(Engine, choices_share_the_prompt_of_their_request) {
  Served served(demo);
  Answers answers;
  const auto engine = served.engine();
  Request request = request_of(some_tokens(320), 3);
  request.n = 8;
  request.sampling.temperature = 1;
  ASSERT_TRUE(engine->submit(request, answers.sink(0)));
  answers.wait();
  EXPECT_EQ(engine->stats().prompt_tokens, 320u);
  for (int choice = 0; choice < 8; ++choice) expect_same(answers.of(0, choice), alone(served, request, choice));
}

TEST(Engine, prompts_that_arrive_together_are_read_once) {
  Served served(demo);
  Answers answers;
  const auto engine = served.engine();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(engine->submit(request_of(some_tokens(320), 3), answers.sink(i)));
  answers.wait();
  EXPECT_LT(engine->stats().prompt_tokens, 320u + 8 * 33);
}

TEST(Engine, memory_that_runs_out_is_shared_by_preemption) {
  Served served(demo);
  EngineOptions options;
  options.state_bytes = 1;  // one context
  options.max_sequences = 6;
  Answers answers;
  const auto engine = served.engine(options);
  std::vector<Request> requests;
  for (int i = 0; i < 6; ++i) {
    requests.push_back(request_of(some_tokens(30, i), 250));  // all fit at first, and then they grow
    ASSERT_TRUE(engine->submit(requests.back(), answers.sink(i)));
  }
  answers.wait();
  EXPECT_GT(engine->stats().preemptions, 0u);
  for (int i = 0; i < 6; ++i) expect_same(answers.of(i), alone(served, requests[i]));
}

TEST(Engine, full_queue_refuses_at_once) {
  Served served(demo);
  EngineOptions options;
  options.max_queue = 2;
  options.max_sequences = 1;
  Answers answers;
  const auto engine = served.engine(options);
  ASSERT_TRUE(engine->submit(request_of(some_tokens(10), 200), answers.sink(0)));
  answers.wait_for_tokens(0, 1);
  ASSERT_TRUE(engine->submit(request_of(some_tokens(10), 1), answers.sink(1)));
  ASSERT_TRUE(engine->submit(request_of(some_tokens(10), 1), answers.sink(2)));
  const auto refused = engine->submit(request_of(some_tokens(10), 1), [](Output&&) { FAIL(); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Rejection::Reason::overloaded);
  EXPECT_GT(refused.error().retry_after_s, 0);
  answers.wait();
}

TEST(Engine, requests_that_cannot_be_answered_are_refused) {
  Served served(demo);
  const auto engine = served.engine();
  const auto refusal = [&](Request request) {
    const auto id = engine->submit(std::move(request), [](Output&&) { FAIL(); });
    return !id && id.error().reason == Rejection::Reason::invalid;
  };
  EXPECT_TRUE(refusal(request_of({}, 1)));
  EXPECT_TRUE(refusal(request_of({-1}, 1)));
  EXPECT_TRUE(refusal(request_of({served.model->spec.vocab}, 1)));
  EXPECT_TRUE(refusal(request_of(some_tokens(served.model->spec.context), 1)));
  EXPECT_TRUE(refusal(request_of({1}, 0)));
  Request request = request_of({1}, 1);
  request.n = 0;
  EXPECT_TRUE(refusal(request));
  request.n = 1;
  request.sampling.top_p = 0;
  EXPECT_TRUE(refusal(request));
}

TEST(Engine, deadline_ends_a_request_whatever_it_is_doing) {
  Served served(demo);
  EngineOptions options;
  options.max_sequences = 16;
  Answers answers;
  const auto engine = served.engine(options);
  for (int i = 0; i < 2; ++i) {
    Request request = request_of(some_tokens(10), 1000);
    request.n = 16;  // sixteen texts of a thousand tokens take longer than this on any machine
    request.deadline = std::chrono::steady_clock::now() + 400ms;
    ASSERT_TRUE(engine->submit(request, answers.sink(i)));
  }
  answers.wait();
  for (int i = 0; i < 2; ++i)
    for (int choice = 0; choice < 16; ++choice) {
      EXPECT_EQ(answers.of(i, choice).finish->reason, FinishReason::deadline);
      EXPECT_LT(answers.of(i, choice).tokens.size(), 1000u);
    }
}

/// The order in which requests finish.
std::vector<int> finishing_order(Engine& engine, const std::vector<Request>& requests) {
  std::mutex mutex;
  std::vector<int> order;
  for (int i = 0; i < std::ssize(requests); ++i)
    EXPECT_TRUE(engine.submit(requests[i], [&, i](Output&& output) {
      const std::lock_guard lock(mutex);
      if (output.done) order.push_back(i);
    }));
  EXPECT_TRUE(engine.drain(60s));
  return order;
}

TEST(Engine, client_with_many_requests_does_not_hold_up_another) {
  Served served(demo);
  EngineOptions options;
  options.max_sequences = 1;
  const auto engine = served.engine(options);
  std::vector<Request> requests;
  for (int i = 0; i < 10; ++i) {
    requests.push_back(request_of(some_tokens(60, i), 5));
    requests.back().client = "busy";
  }
  requests.push_back(request_of(some_tokens(60, 11), 5));
  requests.back().client = "modest";
  const auto order = finishing_order(*engine, requests);
  ASSERT_EQ(order.size(), 11u);
  EXPECT_LE(std::ranges::find(order, 10) - order.begin(), 2);
}

TEST(Engine, higher_priority_takes_the_place_of_a_running_text) {
  Served served(demo);
  EngineOptions options;
  options.max_sequences = 1;
  const auto engine = served.engine(options);
  std::vector<Request> requests = {request_of(some_tokens(60), 200), request_of(some_tokens(60, 9), 5)};
  requests[1].priority = 1;
  EXPECT_EQ(finishing_order(*engine, requests), (std::vector{1, 0}));
}

TEST(Engine, draining_finishes_what_runs_and_takes_nothing_new) {
  Served served(demo);
  Answers answers;
  const auto engine = served.engine();
  ASSERT_TRUE(engine->submit(request_of(some_tokens(10), 100), answers.sink(0)));
  EXPECT_TRUE(engine->drain(30s));
  answers.wait();
  EXPECT_EQ(answers.of(0).tokens.size(), 100u);
  const auto late = engine->submit(request_of(some_tokens(10), 1), [](Output&&) { FAIL(); });
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Rejection::Reason::stopping);
}

TEST(Engine, stopping_finishes_everything_as_cancelled) {
  Served served(demo);
  EngineOptions options;
  options.max_sequences = 2;
  Answers answers;
  const auto engine = served.engine(options);
  for (int i = 0; i < 5; ++i) {
    Request request = request_of(some_tokens(10, i), 1000);
    request.n = 2;
    ASSERT_TRUE(engine->submit(request, answers.sink(i)));
  }
  answers.wait_for_tokens(0, 1);
  engine->stop();
  answers.wait();
  for (int i = 0; i < 5; ++i)
    for (int choice = 0; choice < 2; ++choice) EXPECT_EQ(answers.of(i, choice).finish->reason, FinishReason::cancelled);
}

TEST(Engine, stop_strings_end_a_text_before_them) {
  Served served(demo);
  Answers answers;
  const auto engine = served.engine();
  Request request;
  std::string text;
  for (int length = 10; text.size() <= 30 && length < 40; ++length) {  // some texts are all special tokens
    request = request_of(some_tokens(length), 60);
    text = alone(served, request).text;
  }
  ASSERT_GT(text.size(), 30u);
  request.stop_strings = {text.substr(20, 5)};
  ASSERT_TRUE(engine->submit(request, answers.sink(0)));
  answers.wait();
  EXPECT_EQ(answers.of(0).text, text.substr(0, text.find(request.stop_strings[0])));
  EXPECT_EQ(answers.of(0).finish->reason, FinishReason::stop);
}

/// Allows one token after another.
class OneText : public TokenConstraint {
 public:
  explicit OneText(std::vector<TokenId> tokens) : tokens_(std::move(tokens)) {}
  std::span<const std::uint64_t> allowed() override {
    bits_.assign(64, 0);
    if (next_ < tokens_.size()) bits_[static_cast<std::size_t>(tokens_[next_] / 64)] |= 1ull << tokens_[next_] % 64;
    return bits_;
  }
  void accept(TokenId) override { ++next_; }
  std::unique_ptr<TokenConstraint> fresh() const override { return std::make_unique<OneText>(tokens_); }

 private:
  std::vector<TokenId> tokens_;
  std::size_t next_ = 0;
  std::vector<std::uint64_t> bits_;
};

TEST(Engine, constraint_decides_what_may_be_chosen) {
  Served served(demo);
  Answers answers;
  const auto engine = served.engine();
  Request request = request_of(some_tokens(10), 20);
  request.n = 2;
  const std::vector<TokenId> wanted = {300, 301, 302};
  request.constraint = std::make_shared<OneText>(wanted);
  ASSERT_TRUE(engine->submit(request, answers.sink(0)));
  answers.wait();
  for (int choice = 0; choice < 2; ++choice) {
    EXPECT_EQ(answers.of(0, choice).tokens, wanted);
    EXPECT_EQ(answers.of(0, choice).finish->reason, FinishReason::stop);
  }
}

TEST(Engine, timings_of_a_request_add_up) {
  Served served(demo);
  Answers answers;
  const auto engine = served.engine();
  ASSERT_TRUE(engine->submit(request_of(some_tokens(100), 10), answers.sink(0)));
  answers.wait();
  const RequestTimings& t = answers.of(0).finish->timings;
  EXPECT_EQ(t.prompt_tokens, 100);
  EXPECT_EQ(t.new_tokens, 10);
  EXPECT_GT(t.prefill_ms, 0);
  EXPECT_GT(t.decode_ms, 0);
  EXPECT_NEAR(t.first_token_ms, t.queue_ms + t.load_ms + t.prefill_ms, 1e-6);
}

}  // namespace
}  // namespace sw
