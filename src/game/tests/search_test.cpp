#include "game/search.hpp"

#include <gtest/gtest.h>

#include "small_content.hpp"

namespace sw::game {
namespace {

int score(std::string_view typed, std::string_view text) {
  Match match;
  return fuzzy_match(typed, text, match) ? match.score : -1;
}

TEST(Search, letters_must_come_in_order) {
  EXPECT_GT(score("fla", "Flash Attention"), 0);
  EXPECT_EQ(score("alf", "Flash Attention"), -1);
  EXPECT_EQ(score("flashx", "Flash Attention"), -1);
}

TEST(Search, initials_beat_scattered_letters) {
  EXPECT_GT(score("gqa", "Grouped-Query Attention"), score("gqa", "Aggregated Quota"));
  EXPECT_GT(score("kv", "KV Cache"), score("kv", "Skewed View"));
}

TEST(Search, a_beginning_beats_a_middle_and_a_short_name_a_long_one) {
  EXPECT_GT(score("atten", "Attention Sinks"), score("atten", "Linear Attention"));
  EXPECT_GT(score("attention", "Attention"), score("attention", "Attention Sinks"));
}

TEST(Search, spaces_and_hyphens_need_not_be_typed) {
  EXPECT_GT(score("groupedquery", "Grouped-Query Attention"), 0);
  EXPECT_GT(score("grouped query", "Grouped-Query Attention"), 0);
}

TEST(Search, tells_which_letters_matched) {
  Match match;
  ASSERT_TRUE(fuzzy_match("flatt", "Flash Attention", match));
  std::string letters;
  for (const auto& [begin, end] : match.ranges) letters += std::string("Flash Attention").substr(begin, end - begin);
  EXPECT_EQ(letters, "FlAtt");
}

TEST(Search, finds_by_alias_and_puts_the_exact_name_first) {
  const Content content = alphabet().load();
  const std::vector all{at(content, "a"), at(content, "ab"), at(content, "abc"), at(content, "b")};
  EXPECT_EQ(search(content, "concept ab", all).front().idea, at(content, "ab"));
  EXPECT_EQ(search(content, "alias abc", all).front().idea, at(content, "abc"));
  EXPECT_EQ(search(content, "", all).size(), all.size());
  EXPECT_TRUE(search(content, "zzz", all).empty());
  EXPECT_EQ(find_by_name(content, "CONCEPT  abc"), at(content, "abc"));
  EXPECT_EQ(find_by_name(content, "alias-ab"), at(content, "ab"));
  EXPECT_EQ(find_by_name(content, ""), std::nullopt);
}

TEST(Search, long_input_is_no_burden) {
  EXPECT_EQ(score(std::string(100'000, 'q'), "Quantization"), -1);
}

}  // namespace
}  // namespace sw::game
