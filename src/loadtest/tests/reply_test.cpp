#include "loadtest/reply.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sw::loadtest {
namespace {

std::vector<std::string> events_of(const std::vector<std::string>& pieces) {
  SseParser parser;
  std::vector<std::string> events;
  for (const std::string& piece : pieces)
    EXPECT_TRUE(parser.feed(piece, [&](std::string_view data) -> Status {
      events.emplace_back(data);
      return {};
    }));
  return events;
}

TEST(Events, are_the_data_lines_between_blank_lines) {
  const std::vector<std::string> expected = {"one", "two\nlines", "", "no space"};
  const std::string stream =
      "data: one\n\ndata: two\ndata: lines\n\ndata:\n\n: a comment\n\nevent: x\ndata:no space\n\n";
  EXPECT_EQ(events_of({stream}), expected);
}

TEST(Events, are_the_same_however_the_stream_is_cut_and_lines_end) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const std::string stream =
        "data: one" + end + end + "data: two" + end + "id: 7" + end + end + "data: three" + end + end;
    const std::vector<std::string> expected = {"one", "two", "three"};
    for (std::size_t cut = 0; cut <= stream.size(); ++cut)
      EXPECT_EQ(events_of({stream.substr(0, cut), stream.substr(cut)}), expected) << cut;
    std::vector<std::string> bytes;
    for (const char c : stream) bytes.emplace_back(1, c);
    EXPECT_EQ(events_of(bytes), expected);
  }
}

TEST(Events, may_begin_behind_a_byte_order_mark) {
  EXPECT_EQ(events_of({"\xEF\xBB\xBF"
                       "data: one\n\n"}),
            std::vector<std::string>{"one"});
}

TEST(Events, without_end_are_refused) {
  SseParser parser;
  const std::string part(1 << 16, 'x');
  Status status = parser.feed("data: ", [](std::string_view) { return Status(); });
  for (int i = 0; i < 100 && status; ++i) status = parser.feed(part, [](std::string_view) { return Status(); });
  EXPECT_FALSE(status);
}

TEST(Replies, text_is_in_deltas_texts_reasoning_and_tool_calls) {
  for (const char* event : {R"({"choices":[{"delta":{"content":"a"}}]})", R"({"choices":[{"text":"a"}]})",
                            R"({"choices":[{"delta":{"reasoning_content":"a"}}]})",
                            R"({"choices":[{"delta":{"tool_calls":[{"index":0}]}}]})"}) {
    const auto part = parse_event(event);
    ASSERT_TRUE(part) << event;
    EXPECT_TRUE(part->has_text) << event;
    EXPECT_FALSE(part->ends) << event;
  }
  for (const char* event : {R"({"choices":[{"delta":{"role":"assistant","content":""}}]})",
                            R"({"choices":[{"delta":{"content":null}}]})", R"({"choices":[]})", R"({"choices":[7]})"}) {
    const auto part = parse_event(event);
    ASSERT_TRUE(part) << event;
    EXPECT_FALSE(part->has_text) << event;
  }
}

TEST(Replies, tokens_are_counted_by_the_server_where_it_does) {
  StreamedReply counted;
  ASSERT_TRUE(
      counted.feed("data: {\"choices\":[{\"delta\":{\"content\":\"two words\"}}]}\n\n"
                   "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                   "data: {\"choices\":[],\"usage\":{\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"));
  EXPECT_TRUE(counted.finish());
  EXPECT_EQ(counted.events_with_text(), 1);
  EXPECT_EQ(counted.tokens(), 2);
}

TEST(Replies, that_are_odd_are_refused) {
  for (const char* event : {"", "{", "null", "[]", "7", R"({"choices":{}})", R"({"object":"list"})"}) {
    const auto part = parse_event(event);
    ASSERT_FALSE(part) << event;
    EXPECT_EQ(part.error().kind, FailureKind::malformed_event) << event;
  }
  EXPECT_EQ(parse_event(R"({"error":"out of memory"})").error().kind, FailureKind::server_error);
  EXPECT_TRUE(parse_event(R"({"choices":[],"usage":{"completion_tokens":-4}})"));
}

}  // namespace
}  // namespace sw::loadtest
