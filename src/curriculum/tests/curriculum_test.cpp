#include "curriculum/curriculum.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/file.hpp"
#include "curriculum/facts.hpp"
#include "curriculum/skills.hpp"
#include "game/embedded_content.hpp"
#include "tasks/score.hpp"

namespace sw::curriculum {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path recipe = SPEEDWINS_SOURCE_DIR "/recipes/demo";

const game::Content& content() {
  static const game::Content content = game::parse_content(game::embedded_content()).value();
  return content;
}

class Corpus : public ::testing::Test {
 protected:
  void TearDown() override { fs::remove_all(folder_); }
  CorpusFiles write(const std::string& name, const CorpusSize& size) {
    auto files = write_corpus(content(), recipe, folder_ / name, size);
    EXPECT_TRUE(files) << files.error().message();
    return files.value();
  }
  static std::string text(const fs::path& path) { return read_text_file(path).value(); }
  static std::vector<json> lines(const fs::path& path) {
    std::vector<json> out;
    std::istringstream stream(text(path));
    for (std::string line; std::getline(stream, line);) out.push_back(json::parse(line));
    return out;
  }

  fs::path folder_ = fs::temp_directory_path() / ("speedwins-curriculum-" + std::to_string(getpid()));
};

TEST_F(Corpus, is_named_by_its_seed) {
  const CorpusFiles a = write("a", {.seed = 1, .conversations = 300, .validation = 20});
  const CorpusFiles b = write("b", {.seed = 1, .conversations = 300, .validation = 20});
  const CorpusFiles c = write("c", {.seed = 2, .conversations = 300, .validation = 20});
  EXPECT_EQ(text(a.lookup), text(b.lookup));
  EXPECT_EQ(text(a.train), text(b.train));
  EXPECT_EQ(text(a.validation), text(b.validation));
  EXPECT_EQ(text(a.test), text(b.test));
  EXPECT_NE(text(a.lookup), text(c.lookup));
  EXPECT_NE(text(a.train), text(c.train));
  EXPECT_NE(text(a.test), text(c.test));
}

TEST_F(Corpus, alternates_between_user_and_assistant) {
  for (const json& line : lines(write("a", {.conversations = 500, .validation = 1}).train)) {
    std::string expected = "user";
    for (const json& message : line["messages"]) {
      if (message["role"] == "system") continue;
      EXPECT_EQ(message["role"], expected);
      EXPECT_FALSE(message["content"].get<std::string>().empty());
      EXPECT_EQ(message["content"].get<std::string>().find("{"), std::string::npos) << message;
      expected = expected == "user" ? "assistant" : "user";
    }
    EXPECT_EQ(expected, "user") << "a conversation ends with an answer";
  }
}

TEST_F(Corpus, tests_nothing_that_it_trains_or_validates) {
  const CorpusFiles files = write("a", {.conversations = 20'000, .validation = 500});
  const auto folded = [](std::string text) {
    std::erase_if(text, [](unsigned char c) { return std::ispunct(c); });
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  };
  std::set<std::string> trained;
  for (const fs::path& path : {files.train, files.validation})
    for (const json& line : lines(path))
      for (const json& message : line["messages"])
        if (message["role"] == "user") trained.insert(folded(message["content"]));
  ASSERT_GT(trained.size(), 5000u);
  for (const json& line : lines(files.test)) EXPECT_FALSE(trained.contains(folded(line["prompt"]))) << line["prompt"];
}

TEST_F(Corpus, test_is_a_task_file_whose_answers_are_right) {
  const CorpusFiles files = write("a", {.conversations = 1, .validation = 1});
  const auto items = parse_tasks(text(files.test), "test.jsonl");
  ASSERT_TRUE(items) << items.error().message();
  EXPECT_EQ(static_cast<int>(items->size()), files.questions);
  std::set<std::string> kinds, questions;
  for (const TaskItem& item : *items) {
    kinds.insert(item.task);
    EXPECT_TRUE(is_right(item, std::get<ExactMatch>(item.scorer).answers[0])) << item.id;
    EXPECT_FALSE(is_right(item, item.prompt)) << item.id;
    EXPECT_EQ(item.history.empty(), item.task != "follow_up") << item.id;
  }
  for (const std::string_view kind : Facts::kinds) EXPECT_TRUE(kinds.contains(std::string(kind))) << kind;
  for (const std::string_view kind : Skills::kinds) EXPECT_TRUE(kinds.contains(std::string(kind))) << kind;
}

TEST_F(Corpus, lookups_say_nothing_new_after_the_first_round) {
  const CorpusFiles files = write("a", {.conversations = 1, .validation = 1, .lookups = 300});
  std::set<std::size_t> sizes;
  int texts = 0, side_by_side = 0, conversations = 0;
  for (const json& line : lines(files.lookup)) {
    if (line.contains("messages")) {
      ++conversations;
      // Each answer stands in what was told before.
      std::string told;
      for (const json& message : line["messages"]) {
        const std::string said = message["content"];
        if (message["role"] == "assistant") {
          EXPECT_NE(told.find(" has the " + said + "."), std::string::npos) << line;
        }
        told += said;
      }
      continue;
    }
    ++texts;
    std::string text = line["text"];
    if (text.find_first_of(".:?") == std::string::npos) ++side_by_side;
    std::erase_if(text, [](unsigned char c) { return std::ispunct(c); });
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
      if (word != "has" && word != "the") words.push_back(word);
    ASSERT_EQ(words.size() % 2, 0u) << line;
    std::set<std::string> owners, pairs;
    for (std::size_t i = 0; i < words.size(); i += 2) {
      owners.insert(words[i]);
      pairs.insert(words[i] + " " + words[i + 1]);
    }
    EXPECT_EQ(owners.size(), pairs.size()) << line;
    EXPECT_GE(words.size() / 2, owners.size() + 12) << line;
    sizes.insert(owners.size());
  }
  EXPECT_EQ(sizes, (std::set<std::size_t>{2, 4, 6}));
  EXPECT_GT(texts, conversations);
  EXPECT_GT(conversations, 60);
  EXPECT_GT(side_by_side, texts / 3);
}

TEST_F(Corpus, phrasings_that_are_wrong_are_refused) {
  const fs::path wrong = folder_ / "wrong";
  fs::create_directories(wrong);
  EXPECT_FALSE(write_corpus(content(), wrong, folder_ / "out", {}));
  for (const char* name : {"phrasings.toml", "dialogues.toml", "skills.toml"}) fs::copy(recipe / name, wrong / name);
  ASSERT_TRUE(write_corpus(content(), wrong, folder_ / "out", {.conversations = 1}));
  std::ofstream(wrong / "phrasings.toml") << "[what]\ntrain = [\"What is {x}?\"]\ntest = [\"What is {x}?\"]\n";
  const auto leaking = write_corpus(content(), wrong, folder_ / "out", {.conversations = 1});
  ASSERT_FALSE(leaking);
  EXPECT_NE(leaking.error().what.find("'test'"), std::string::npos);
  std::ofstream(wrong / "phrasings.toml") << "[what]\ntrain = [\"What is {x}?\"]\ntest = [\"{x}?\"]\n";
  EXPECT_FALSE(write_corpus(content(), wrong, folder_ / "out", {.conversations = 1})) << "all other kinds are missing";
}

TEST(CurriculumFacts, one_round_of_a_kind_asks_about_every_concept) {
  const Phrasings phrasings = read_phrasings(recipe).value();
  Facts facts = Facts::create(content(), phrasings).value();
  Random random(5);
  for (const std::string_view kind : {"what", "why", "when_not", "cost"}) {
    std::multiset<std::string> answers, expected;
    for (std::size_t i = 0; i < content().size(); ++i)
      answers.insert(facts.next(kind, Split::train, random).turns.front().answer);
    for (const game::Concept& idea : content().concepts)
      expected.insert(kind == "what"       ? first_sentence(idea.what)
                      : kind == "why"      ? idea.why
                      : kind == "when_not" ? idea.when_not
                                           : idea.cost);
    EXPECT_EQ(answers, expected) << kind;
  }
}

TEST(CurriculumFacts, first_sentences_end_where_the_next_begins) {
  EXPECT_EQ(first_sentence("It takes 1.5 s, e.g. here. Then more."), "It takes 1.5 s, e.g. here.");
  EXPECT_EQ(first_sentence("Only one"), "Only one");
  EXPECT_EQ(first_sentence("Ends."), "Ends.");
}

TEST(CurriculumSkills, answers_are_what_the_question_asks_for) {
  const Phrasings phrasings = read_phrasings(recipe).value();
  const Skills skills = Skills::create(phrasings).value();
  Random random(9);
  for (int i = 0; i < 500; ++i) {
    const int grade = 1 + i % Skills::grades;
    const auto numbers = [](const std::string& text) {
      std::vector<int> out;
      for (std::size_t at = 0; at < text.size(); ++at)
        if (std::isdigit(static_cast<unsigned char>(text[at]))) {
          std::size_t used = 0;
          out.push_back(std::stoi(text.substr(at), &used));
          at += used;
        }
      return out;
    };
    const Turn sum = skills.make("addition", grade, Split::train, random).turns[0];
    ASSERT_EQ(numbers(sum.question).size(), 2u) << sum.question;
    EXPECT_EQ(std::to_string(numbers(sum.question)[0] + numbers(sum.question)[1]), sum.answer);
    const Turn sorted = skills.make("sorting", grade, Split::train, random).turns[0];
    std::vector<int> given = numbers(sorted.question);
    EXPECT_TRUE(std::ranges::is_sorted(numbers(sorted.answer)));
    std::ranges::sort(given);
    EXPECT_EQ(given, numbers(sorted.answer));
    const Turn larger = skills.make("comparison", grade, Split::train, random).turns[0];
    EXPECT_EQ(std::to_string(std::ranges::max(numbers(larger.question))), larger.answer);
    const Turn copied = skills.make("copying", grade, Split::train, random).turns[0];
    EXPECT_TRUE(copied.question.ends_with(copied.answer)) << copied.question;
  }
}

TEST(CurriculumSkills, a_combination_is_trained_or_tested) {
  const Phrasings phrasings = read_phrasings(recipe).value();
  const Skills skills = Skills::create(phrasings).value();
  Random random(3);
  const auto digits = [](const std::string& text) {
    std::string out;
    for (const char c : text)
      if (std::isdigit(static_cast<unsigned char>(c))) out += c;
    return out;
  };
  std::set<std::string> trained;
  const auto given = [&](Split split) { return digits(skills.make("sorting", 1, split, random).turns[0].question); };
  for (int i = 0; i < 2000; ++i) trained.insert(given(Split::train));
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(trained.contains(given(Split::test)));
}

}  // namespace
}  // namespace sw::curriculum
