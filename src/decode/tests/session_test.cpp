#include "decode/session.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <stdexcept>

#include "base/thread_pool.hpp"
#include "decode/conversation.hpp"

namespace sw {
namespace {

constexpr const char* demo = SPEEDWINS_SOURCE_DIR "/models/demo.gguf";
constexpr const char* recurrent = SPEEDWINS_SOURCE_DIR "/tests/golden/models/mamba";

struct Loaded {
  ThreadPool pool{2};
  Model model;

  explicit Loaded(const char* path) {
    auto opened = open_model(path, {}, pool);
    auto with_tokenizer = open_model(demo, {}, pool);
    if (!opened || !with_tokenizer) throw std::runtime_error("a model of the test cannot be opened");
    model = std::move(*opened);
    model.tokenizer = with_tokenizer->tokenizer;  // the goldens of the families have none
  }
  Session session(SessionOptions options = {}) {
    auto created = Session::create(model, pool, options);
    EXPECT_TRUE(created) << created.error().message();
    return std::move(*created);
  }
};

std::vector<TokenId> ids(const Generation& generation) {
  std::vector<TokenId> result;
  for (const SampledToken& sampled : generation.tokens) result.push_back(sampled.token);
  return result;
}

std::vector<float> logprobs(const Generation& generation) {
  std::vector<float> result;
  for (const SampledToken& sampled : generation.tokens) result.push_back(sampled.logprob);
  return result;
}

GenerationOptions exactly(int n) {
  GenerationOptions options;
  options.max_tokens = n;
  options.ignore_eos = true;
  options.sampling.top_logprobs = 0;
  return options;
}

/// `n` ids of a small vocabulary.
std::vector<TokenId> some_tokens(int n, int from = 5) {
  std::vector<TokenId> tokens;
  for (int i = 0; i < n; ++i) tokens.push_back((from + 7 * i) % 60);
  return tokens;
}

class Sessions : public testing::TestWithParam<const char*> {};

TEST_P(Sessions, prompt_in_chunks_gives_the_same_bits_as_at_once) {
  Loaded loaded(GetParam());
  const auto prompt = some_tokens(41);
  const auto at_once = loaded.session().generate(prompt, exactly(8), {});
  ASSERT_TRUE(at_once) << at_once.error().message();
  SessionOptions options;
  options.max_batch_tokens = 3;
  const auto in_chunks = loaded.session(options).generate(prompt, exactly(8), {});
  ASSERT_TRUE(in_chunks) << in_chunks.error().message();
  EXPECT_EQ(ids(*at_once), ids(*in_chunks));
  EXPECT_EQ(logprobs(*at_once), logprobs(*in_chunks));
}

TEST_P(Sessions, continued_prompt_gives_the_same_bits_as_a_fresh_session) {
  Loaded loaded(GetParam());
  Session session = loaded.session();
  auto prompt = some_tokens(20);
  const auto first = session.generate(prompt, exactly(6), {});
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->cached_tokens, 0);
  for (TokenId token : ids(*first)) prompt.push_back(token);
  for (TokenId token : some_tokens(9, 3)) prompt.push_back(token);

  const auto continued = session.generate(prompt, exactly(6), {});
  const auto fresh = loaded.session().generate(prompt, exactly(6), {});
  ASSERT_TRUE(continued && fresh);
  EXPECT_EQ(continued->cached_tokens, 25);  // all but the last token written, which was never read
  EXPECT_EQ(ids(*continued), ids(*fresh));
  EXPECT_EQ(logprobs(*continued), logprobs(*fresh));
}

TEST_P(Sessions, prompt_that_parts_from_the_last_one_gives_the_same_bits_as_a_fresh_session) {
  Loaded loaded(GetParam());
  Session session = loaded.session();
  ASSERT_TRUE(session.generate(some_tokens(30), exactly(4), {}));
  auto prompt = some_tokens(30);
  prompt[17] = 2;
  const auto parted = session.generate(prompt, exactly(6), {});
  const auto fresh = loaded.session().generate(prompt, exactly(6), {});
  ASSERT_TRUE(parted && fresh);
  EXPECT_EQ(ids(*parted), ids(*fresh));
  EXPECT_EQ(logprobs(*parted), logprobs(*fresh));
}

TEST_P(Sessions, same_prompt_again_computes_at_least_one_token) {
  Loaded loaded(GetParam());
  Session session = loaded.session();
  const auto first = session.generate(some_tokens(12), exactly(5), {});
  const auto again = session.generate(some_tokens(12), exactly(5), {});
  ASSERT_TRUE(first && again);
  EXPECT_LT(again->cached_tokens, 12);
  EXPECT_EQ(ids(*first), ids(*again));
}

INSTANTIATE_TEST_SUITE_P(Attention, Sessions, testing::Values(demo));
INSTANTIATE_TEST_SUITE_P(Recurrent, Sessions, testing::Values(recurrent));

TEST(Session, text_is_streamed_and_equals_the_whole) {
  Loaded loaded(demo);
  std::string streamed;
  const auto generation =
      loaded.session().generate(some_tokens(10), exactly(20), [&](std::string_view text) { streamed += text; });
  ASSERT_TRUE(generation);
  EXPECT_EQ(streamed, generation->text);
  EXPECT_EQ(*loaded.model.tokenizer->decode(ids(*generation)), streamed);
}

TEST(Session, generation_ends_where_the_context_is_full) {
  Loaded loaded(demo);
  SessionOptions options;
  options.max_tokens = 16;
  const auto generation = loaded.session(options).generate(some_tokens(10), exactly(100), {});
  ASSERT_TRUE(generation);
  EXPECT_EQ(generation->tokens.size(), 7u);  // six that fit and one that is not read any more
  EXPECT_EQ(generation->finish_reason, FinishReason::length);
}

TEST(Session, prompts_that_cannot_be_answered_are_refused) {
  Loaded loaded(demo);
  SessionOptions options;
  options.max_tokens = 16;
  Session session = loaded.session(options);
  EXPECT_FALSE(session.generate(some_tokens(16), exactly(1), {}));
  EXPECT_FALSE(session.generate({}, exactly(1), {}));
  EXPECT_FALSE(session.generate(std::vector<TokenId>{999999}, exactly(1), {}));
  EXPECT_FALSE(session.generate(std::vector<TokenId>{-1}, exactly(1), {}));
  EXPECT_TRUE(session.generate(some_tokens(15), exactly(1), {}));
}

TEST(Session, cancelled_generation_returns_what_it_has) {
  Loaded loaded(demo);
  std::atomic<bool> cancel{false};
  GenerationOptions options = exactly(50);
  options.cancel = &cancel;
  int pieces = 0;
  const auto generation = loaded.session().generate(some_tokens(10), options, [&](std::string_view) {
    if (++pieces == 1) cancel = true;
  });
  ASSERT_TRUE(generation);
  EXPECT_EQ(generation->finish_reason, FinishReason::cancelled);
  EXPECT_LT(generation->tokens.size(), 50u);
  EXPECT_FALSE(generation->text.empty());
}

TEST(Conversation, second_turn_begins_with_the_tokens_of_the_first_and_its_reply) {
  Loaded loaded(demo);
  auto prompt = ChatPrompt::create(*loaded.model.tokenizer);
  ASSERT_TRUE(prompt) << prompt.error().message();
  Conversation conversation(std::move(*prompt), "");
  Session session = loaded.session();
  auto first = conversation.ask("What is a KV cache?");
  ASSERT_TRUE(first);
  GenerationOptions options;
  options.max_tokens = 40;
  const auto reply = session.generate(*first, options, {});
  ASSERT_TRUE(reply);
  conversation.answer(*reply);

  std::vector<TokenId> expected = *first;
  for (TokenId token : ids(*reply)) expected.push_back(token);
  const auto second = conversation.ask("And prefill?");
  ASSERT_TRUE(second);
  ASSERT_GT(second->size(), expected.size());
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), second->begin()));

  conversation.reset();
  EXPECT_EQ(*conversation.ask("What is a KV cache?"), *first);
}

}  // namespace
}  // namespace sw
