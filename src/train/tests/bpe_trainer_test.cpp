#include "train/bpe_trainer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "text/tokenizer.hpp"

namespace sw::train {
namespace {

const std::filesystem::path root = SPEEDWINS_SOURCE_DIR;
const std::filesystem::path golden = root / "tests/golden/bpe";

std::string trained() {
  BpeTrainer trainer;
  EXPECT_TRUE(trainer.add(read_text_file(root / "LICENSE").value()));
  return trainer.train({.vocab_size = 360, .special = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}}).value();
}

TEST(BpeTrainer, WritesTheFileThatHuggingFaceWasGiven) {
  if (std::getenv("WRITE_BPE_GOLDEN")) std::ofstream(golden / "tokenizer.json") << trained();
  EXPECT_EQ(trained(), read_text_file(golden / "tokenizer.json").value());
}

TEST(BpeTrainer, MakesTokenizersThatHuggingFaceAndWeReadAlike) {
  const auto tokenizer =
      Tokenizer::from_json(
          trained(),
          tokenizer_config(
              {.end_of_text = "<|endoftext|>", .end_of_turn = "<|im_end|>", .chat_template = "", .context = 64}))
          .value();
  nlohmann::json cases;
  std::ifstream(golden / "golden.json") >> cases;
  ASSERT_FALSE(cases.empty());
  for (const auto& item : cases) EXPECT_EQ(tokenizer->encode(item["text"].get<std::string>()).value(), item["ids"]);
  EXPECT_EQ(tokenizer->eos(), tokenizer->find("<|im_end|>"));
}

TEST(BpeTrainer, DoesNotDependOnTheOrderOfTexts) {
  BpeTrainer forwards, backwards;
  const std::vector<std::string> texts = {"low lower lowest", "new newer newest", "wide wider widest", "low new wide"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ASSERT_TRUE(forwards.add(texts[i]));
    ASSERT_TRUE(backwards.add(texts[texts.size() - 1 - i]));
  }
  EXPECT_EQ(forwards.train({.vocab_size = 266}).value(), backwards.train({.vocab_size = 266}).value());
}

TEST(BpeTrainer, SaysWhenTheTextIsTooShort) {
  BpeTrainer trainer;
  ASSERT_TRUE(trainer.add("abc"));
  const auto made = trainer.train({.vocab_size = 1000});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message().find("vocab_size"), std::string::npos);
}

}  // namespace
}  // namespace sw::train
