#include "tasks/task.hpp"

#include <gtest/gtest.h>

namespace sw {
namespace {

constexpr const char* sum = R"({"id": "s", "task": "arithmetic", "grade": 2, "kind": "numeric", "prompt": "1+1?",)"
                            R"( "answer": 2, "note": "ignored"})";

TEST(Tasks, are_read_one_per_line) {
  const std::string jsonl = std::string(sum) + "\r\n\n" +
                            R"({"id": "t", "task": "recall", "kind": "exact_match", "prompt": "?", "answers": ["x"],)"
                            R"( "max_tokens": 5, "example": "X"})";
  const auto items = parse_tasks(jsonl, "tasks.jsonl");
  ASSERT_TRUE(items) << items.error().message();
  ASSERT_EQ(items->size(), 2u);
  EXPECT_EQ((*items)[0].grade, 2);
  EXPECT_EQ((*items)[0].max_tokens, 64);
  EXPECT_EQ(std::get<Numeric>((*items)[0].scorer).answer, 2);
  EXPECT_EQ((*items)[1].grade, 1);
  EXPECT_EQ((*items)[1].max_tokens, 5);
  EXPECT_EQ((*items)[1].example, "X");
  EXPECT_EQ(std::get<ExactMatch>((*items)[1].scorer).answers, std::vector<std::string>{"x"});
}

TEST(Tasks, may_go_on_with_a_conversation) {
  const std::string before =
      R"({"id": "t", "task": "recall", "kind": "exact_match", "prompt": "Why?", "answers": ["x"], "history": )";
  const auto items = parse_tasks(
      before + R"([{"role": "user", "content": "What?"}, {"role": "assistant", "content": "That."}]})", "f");
  ASSERT_TRUE(items) << items.error().message();
  ASSERT_EQ((*items)[0].history.size(), 2u);
  EXPECT_EQ((*items)[0].history[1].role, "assistant");
  EXPECT_EQ((*items)[0].history[1].content, "That.");
  for (const char* wrong : {R"("What?"})", R"([{"role": "user"}]})", R"([1]})"})
    EXPECT_FALSE(parse_tasks(before + wrong, "f")) << wrong;
}

TEST(Tasks, that_are_wrong_are_refused_with_their_line) {
  for (const char* wrong :
       {"{", "[]", R"({"id": 1})", R"({"id": "a", "task": "t", "prompt": "p"})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "guess"})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "numeric", "answer": "2"})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "numeric", "answer": 2, "tolerance": -1})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "exact_match", "answers": []})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "exact_match", "answers": [""]})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "contains_all", "answers": ["x"]})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "multiple_choice", "choices": ["x"], "answer": 1})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "constraints", "constraints": {}})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "constraints", "constraints": {"word": [1, 2]}})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "constraints", "constraints": {"words": [2, 1]}})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "constraints", "constraints": {"words": [1]}})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "constraints", "constraints": {"case": "title"}})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "numeric", "answer": 2, "grade": 0})",
        R"({"id": "a", "task": "t", "prompt": "p", "kind": "numeric", "answer": 2, "max_tokens": 99999999999})", sum}) {
    const auto items = parse_tasks(std::string(sum) + "\n" + wrong, "tasks.jsonl");
    ASSERT_FALSE(items) << wrong;
    EXPECT_NE(items.error().where.find("line 2"), std::string::npos) << items.error().message();
  }
}

TEST(Tasks, an_empty_file_is_refused) {
  EXPECT_FALSE(parse_tasks("", "tasks.jsonl"));
  EXPECT_FALSE(parse_tasks("\n \n", "tasks.jsonl"));
}

}  // namespace
}  // namespace sw
