#include "decode/stop_strings.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace sw {
namespace {

std::string stream(std::vector<std::string> stops, const std::vector<std::string>& pieces, bool* stopped = nullptr) {
  StopStrings filter(std::move(stops));
  std::string shown;
  for (const std::string& piece : pieces) shown += filter.push(piece);
  shown += filter.finish();
  if (stopped) *stopped = filter.stopped();
  return shown;
}

TEST(StopStrings, text_ends_before_a_stop_string_split_across_pushes) {
  bool stopped = false;
  EXPECT_EQ(stream({"<end>"}, {"one <", "en", "d> two"}, &stopped), "one ");
  EXPECT_TRUE(stopped);
}

TEST(StopStrings, text_held_back_is_shown_once_it_cannot_become_a_stop_string) {
  StopStrings filter({"<end>"});
  EXPECT_EQ(filter.push("a <e"), "a ");
  EXPECT_EQ(filter.push("ve"), "<eve");
  EXPECT_EQ(filter.push("<en"), "");
  EXPECT_FALSE(filter.stopped());
  EXPECT_EQ(filter.finish(), "<en");
}

TEST(StopStrings, overlapping_beginnings_are_found) {
  EXPECT_EQ(stream({"aab"}, {"a", "a", "a", "b"}), "a");
  EXPECT_EQ(stream({"abab"}, {"aba", "cab", "ab"}), "abac");
}

TEST(StopStrings, stop_string_complete_first_wins_and_the_longest_of_those_ending_together) {
  EXPECT_EQ(stream({"bcd", "c"}, {"abcd"}), "ab");
  EXPECT_EQ(stream({"d", "bcd"}, {"abcd"}), "a");
}

TEST(StopStrings, nothing_is_shown_after_the_stop) {
  StopStrings filter({"\n"});
  EXPECT_EQ(filter.push("line\nmore"), "line");
  EXPECT_EQ(filter.push("more"), "");
  EXPECT_EQ(filter.finish(), "");
}

TEST(StopStrings, empty_stop_strings_are_ignored) {
  bool stopped = true;
  EXPECT_EQ(stream({"", ""}, {"text"}, &stopped), "text");
  EXPECT_FALSE(stopped);
}

// The specification, byte by byte: the text before the first complete stop string, the longest of those.
std::string shown_by_definition(const std::vector<std::string>& stops, const std::string& text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops)
      if (!stop.empty() && text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    if (longest > 0) return text.substr(0, end - longest);
  }
  return text;
}

RC_GTEST_PROP(StopStrings, what_is_shown_does_not_depend_on_how_the_text_was_cut, ()) {
  const auto word = rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c'));
  const auto stops = *rc::gen::container<std::vector<std::string>>(rc::gen::resize(4, word));
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::resize(5, word));
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  RC_ASSERT(stream(stops, pieces) == shown_by_definition(stops, text));
}

}  // namespace
}  // namespace sw
