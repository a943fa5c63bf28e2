#include "tokenizer_files.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "formats/gguf.hpp"

namespace sw::test {

const std::vector<std::string>& golden_names() {
  static const std::vector<std::string> names{
      "gpt2",  "gpt2_prefix", "llama3", "qwen2",           "starcoder", "deepseek3", "deepseek_coder",
      "gpt4o", "llama2",      "gemma",  "metaspace_first", "unigram",   "wordpiece"};
  return names;
}

std::string read_golden(const std::string& file) {
  return read_text_file(std::filesystem::path(SPEEDWINS_SOURCE_DIR) / "src/text/tests/golden" / file).value_or("");
}

std::unique_ptr<const Tokenizer> golden_tokenizer(const std::string& name) {
  auto tokenizer = Tokenizer::from_json(read_golden(name + ".tokenizer.json"), read_golden(name + ".config.json"));
  EXPECT_TRUE(tokenizer) << name << ": " << tokenizer.error().message();
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

std::unique_ptr<const Tokenizer> shared_tokenizer(const std::string& name) {
  const auto path = shared_vocabularies / (name + ".gguf");
  if (!std::filesystem::exists(path)) return nullptr;
  auto checkpoint = read_gguf(path);
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  if (!checkpoint) return nullptr;
  auto tokenizer = Tokenizer::from_metadata(checkpoint->metadata);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message();
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

}  // namespace sw::test
