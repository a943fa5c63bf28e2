#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>

#include "loadtest/arrivals.hpp"
#include "loadtest/prompts.hpp"
#include "loadtest/target.hpp"

namespace sw::loadtest {
namespace {

std::vector<double> gaps(const Workload& workload, int n, std::uint64_t seed = 1) {
  Arrivals arrivals(workload, seed);
  std::vector<double> gaps;
  double last = 0;
  for (int i = 0; i < n; ++i) {
    const double now = arrivals.next().value();
    gaps.push_back(now - last);
    last = now;
  }
  return gaps;
}

TEST(Arrivals, of_a_poisson_process_have_exponential_gaps) {
  // Mean and standard deviation of an exponential distribution are equal; e^-1 of the gaps exceed the mean.
  constexpr int n = 100000;
  const auto sample = gaps(OpenLoop{.rate = 50, .poisson = true}, n);
  const double mean = std::accumulate(sample.begin(), sample.end(), 0.0) / n;
  double variance = 0;
  for (const double gap : sample) variance += (gap - mean) * (gap - mean) / n;
  EXPECT_NEAR(mean, 0.02, 0.02 * 0.02);
  EXPECT_NEAR(std::sqrt(variance), 0.02, 0.02 * 0.03);
  const auto longer = std::ranges::count_if(sample, [](double gap) { return gap > 0.02; });
  EXPECT_NEAR(static_cast<double>(longer) / n, std::exp(-1), 0.01);
}

TEST(Arrivals, are_a_function_of_the_seed) {
  const OpenLoop open{.rate = 5, .poisson = true};
  EXPECT_EQ(gaps(open, 50, 3), gaps(open, 50, 3));
  EXPECT_NE(gaps(open, 50, 3), gaps(open, 50, 4));
}

TEST(Arrivals, of_a_fixed_rate_are_equally_far_apart) {
  const Workload workload = OpenLoop{.rate = 4, .poisson = false};
  Arrivals arrivals(workload, 1);
  EXPECT_EQ(arrivals.next(), 0);
  EXPECT_EQ(arrivals.next(), 0.25);
  EXPECT_EQ(arrivals.next(), 0.5);
}

TEST(Arrivals, of_a_trace_end) {
  const Workload workload = Replay{{0, 2}};
  Arrivals arrivals(workload, 1);
  EXPECT_EQ(arrivals.next(), 0);
  EXPECT_EQ(arrivals.next(), 2);
  EXPECT_EQ(arrivals.next(), std::nullopt);
}

TEST(Lengths, follow_their_distribution) {
  EXPECT_EQ(LengthDistribution::parse("128")->at(1, 1, 5), 128);
  const auto uniform = LengthDistribution::parse("3-5").value();
  std::set<int> seen;
  for (std::uint64_t i = 0; i < 200; ++i) seen.insert(uniform.at(1, 1, i));
  EXPECT_EQ(seen, (std::set{3, 4, 5}));

  const auto lognormal = LengthDistribution::parse("lognormal:100:0.8").value();
  int above = 0, far_above = 0;
  constexpr int n = 20000;
  for (std::uint64_t i = 0; i < n; ++i) {
    above += lognormal.at(1, 1, i) > 100;
    far_above += lognormal.at(1, 1, i) > 100 * std::exp(0.8);  // one σ: 15.9 % lie beyond
  }
  EXPECT_NEAR(above, n * 0.5, n * 0.015);
  EXPECT_NEAR(far_above, n * 0.1587, n * 0.015);
}

TEST(Lengths, that_make_no_sense_are_refused) {
  for (const char* wrong : {"", "0", "-5", "5-3", "a", "1e9", "3-", "lognormal:5", "lognormal:5:-1", "lognormal:0:1",
                            "nan", "5 ", "1-99999999"})
    EXPECT_FALSE(LengthDistribution::parse(wrong)) << wrong;
}

std::vector<std::string> contents(const LoadPrompt& prompt) {
  std::vector<std::string> texts;
  for (const LoadMessage& message : prompt.messages) texts.push_back(message.role + ":" + message.content);
  return texts;
}

TEST(Prompts, at_random_differ_and_have_their_length) {
  const auto lengths = LengthDistribution::parse("12").value();
  const PromptSource prompts = random_prompts(lengths, lengths, 1);
  const std::string first = prompts(0).messages.front().content;
  EXPECT_EQ(std::ranges::count(first, ' '), 11);
  EXPECT_EQ(prompts(0).messages.front().content, first);
  EXPECT_NE(prompts(1).messages.front().content, first);
  EXPECT_EQ(prompts(0).max_tokens, 12);
}

TEST(Prompts, of_the_chat_trace_continue_their_conversations) {
  const PromptSource prompts = chat_trace(LengthDistribution::parse("10").value(), 1);
  // The same conversation is heard again 64 requests later, one turn further.
  for (const std::uint64_t i : {0u, 17u, 64u, 200u}) {
    const auto now = contents(prompts(i)), later = contents(prompts(i + 64));
    ASSERT_EQ(later.size(), now.size() + 2);
    EXPECT_TRUE(std::equal(now.begin(), now.end(), later.begin()));
    EXPECT_TRUE(now.front().starts_with("system:"));
    EXPECT_TRUE(now.back().starts_with("user:"));
  }
  // After five turns another conversation begins.
  EXPECT_EQ(prompts(5 * 64).messages.size(), 2u);
  EXPECT_NE(prompts(5 * 64).messages.back().content, prompts(0).messages.back().content);
  std::set<std::string> systems;
  for (std::uint64_t i = 0; i < 64; ++i) systems.insert(prompts(i).messages.front().content);
  EXPECT_GE(systems.size(), 4u);
  EXPECT_LE(systems.size(), 8u);
}

class PromptFiles : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) {
    std::ofstream(file_, std::ios::binary) << text;
    return file_;
  }
  void TearDown() override { std::filesystem::remove(file_); }
  std::filesystem::path file_ = std::filesystem::path(::testing::TempDir()) /
                                ("loadtest-prompts-" + std::to_string(::getpid()) + ".jsonl");
};

TEST_F(PromptFiles, hold_lines_of_text_or_json) {
  const auto prompts =
      prompts_from_file(write("plain text\r\n\n{\"prompt\": \"p\", \"max_tokens\": 3}\n"
                              "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}]}\n"));
  ASSERT_TRUE(prompts) << prompts.error().message();
  EXPECT_EQ((*prompts)(0).messages.front().content, "plain text");
  EXPECT_EQ((*prompts)(1).max_tokens, 3);
  EXPECT_EQ((*prompts)(2).messages.front().role, "system");
  EXPECT_EQ((*prompts)(3).messages.front().content, "plain text");
}

TEST_F(PromptFiles, that_are_wrong_are_refused_with_their_line) {
  for (const char* wrong :
       {"{\"prompt\": 1}", "{", "{\"messages\": [1]}", "{\"prompt\": \"p\", \"max_tokens\": 0}", "\xff"}) {
    const auto prompts = prompts_from_file(write(std::string("fine\n") + wrong));
    ASSERT_FALSE(prompts) << wrong;
    EXPECT_NE(prompts.error().where.find("line 2"), std::string::npos);
  }
  EXPECT_FALSE(prompts_from_file(write("\n")));
  EXPECT_FALSE(prompts_from_file("/no/such/file"));
}

TEST_F(PromptFiles, of_traces_have_instants_and_prompts_or_lengths) {
  const auto trace = read_trace(write("{\"timestamp\": 1000, \"input_length\": 7, \"output_length\": 5}\n"
                                      "{\"timestamp\": 1500, \"prompt\": \"p\"}\n"),
                                1);
  ASSERT_TRUE(trace) << trace.error().message();
  EXPECT_EQ(trace->at_s, (std::vector<double>{0, 0.5}));
  EXPECT_EQ(std::ranges::count(trace->prompts(0).messages.front().content, ' '), 6);
  EXPECT_EQ(trace->prompts(0).max_tokens, 5);
  EXPECT_EQ(trace->prompts(1).messages.front().content, "p");
}

TEST_F(PromptFiles, of_traces_must_be_in_order) {
  EXPECT_FALSE(read_trace(write("{\"at\": 2, \"prompt\": \"p\"}\n{\"at\": 1, \"prompt\": \"p\"}\n"), 1));
  EXPECT_FALSE(read_trace(write("{\"prompt\": \"p\"}\n"), 1));
}

TEST(Targets, are_completed_from_what_users_write) {
  for (const auto& [text, expected] : {std::pair{"localhost:8080", "http://localhost:8080/v1/chat/completions"},
                                       {"http://h/", "http://h/v1/chat/completions"},
                                       {"https://h/v1/", "https://h/v1/chat/completions"},
                                       {"http://[::1]:99/api/v1", "http://[::1]:99/api/v1/chat/completions"},
                                       {"http://h/v1/chat/completions", "http://h/v1/chat/completions"}}) {
    bool chat = true;
    const auto url = endpoint_url(text, chat);
    ASSERT_TRUE(url) << text;
    EXPECT_EQ(url->text(), expected);
    EXPECT_TRUE(chat);
  }
  bool chat = true;
  EXPECT_EQ(endpoint_url("http://h/v1/completions", chat)->text(), "http://h/v1/completions");
  EXPECT_FALSE(chat);
  EXPECT_EQ(endpoint_url("h", chat)->text(), "http://h/v1/completions");
  EXPECT_FALSE(endpoint_url("http://", chat));
  EXPECT_FALSE(endpoint_url("a b", chat));
}

}  // namespace
}  // namespace sw::loadtest
