#include "formats/hf_folder.hpp"

#include <gtest/gtest.h>

#include "bytes.hpp"
#include "mentions.hpp"

namespace sw {
namespace {

using test::Folder;
using test::mentions;

std::string refusal(const Folder& folder) {
  const auto read = read_hf_folder(folder.path());
  return read ? "it was accepted" : read.error().message();
}

/// A file that holds the one-byte tensor `name`.
std::string shard(const std::string& name) {
  return test::safetensors_bytes("{\"" + name + R"(":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})", "x");
}

std::string index_of(const std::string& weight_map) {
  return R"({"metadata":{"total_size":2},"weight_map":)" + weight_map + "}";
}

TEST(HfFolder, ReadsASingleFileAndTheTextsBesideIt) {
  const Folder folder;
  folder.file("config.json", R"({"model_type":"llama","hidden_size":64})");
  folder.file("tokenizer.json", "{}");
  folder.file("tokenizer_config.json", R"({"a":1})");
  folder.file("generation_config.json", R"({"b":1})");
  folder.file("chat_template.jinja", "{{ messages }}");
  folder.file("model.safetensors", shard("w"));
  const auto read = read_hf_folder(folder.path());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->config["hidden_size"], 64);
  EXPECT_EQ(read->tokenizer, "{}");
  EXPECT_EQ(read->tokenizer_config, R"({"a":1})");
  EXPECT_EQ(read->generation_config, R"({"b":1})");
  EXPECT_EQ(read->chat_template, "{{ messages }}");
  ASSERT_NE(read->find("w"), nullptr);
  EXPECT_EQ(static_cast<char>(read->find("w")->data[0]), 'x');
  EXPECT_EQ(read->find("v"), nullptr);
}

TEST(HfFolder, JoinsTheShardsThatTheIndexLists) {
  const Folder folder;
  folder.file("config.json", "{}");
  folder.file("model.safetensors.index.json", index_of(R"({"a":"s1.safetensors","b":"s2.safetensors"})"));
  folder.file("s1.safetensors", shard("a"));
  folder.file("s2.safetensors", shard("b"));
  const auto read = read_hf_folder(folder.path());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_NE(read->find("a"), nullptr);
  EXPECT_NE(read->find("b"), nullptr);
  EXPECT_EQ(read->files.size(), 2u);
  EXPECT_EQ(read->tokenizer, "");
}

TEST(HfFolder, NamesTheShardOrTensorThatIsMissing) {
  const Folder folder;
  folder.file("config.json", "{}");
  folder.file("model.safetensors.index.json", index_of(R"({"a":"s1.safetensors","b":"s2.safetensors"})"));
  folder.file("s1.safetensors", shard("a"));
  EXPECT_TRUE(mentions(refusal(folder), {"s2.safetensors", "is missing"}));
  folder.file("s2.safetensors", shard("other"));
  EXPECT_TRUE(mentions(refusal(folder), {"s2.safetensors", "no tensor 'b'"}));
}

TEST(HfFolder, RefusesAnIndexThatLeadsOutOfTheFolder) {
  for (const char* target :
       {"\"../s.safetensors\"", "\"/s.safetensors\"", "\"x/s.safetensors\"", "\"..\\\\s.safetensors\"",
        "\"s\\u0000/.safetensors\"", "\"config.json\"", "\"\"", "7", "[\"s.safetensors\"]"}) {
    const auto read = parse_shard_index(index_of(std::string("{\"a\":") + target + "}"), "index");
    ASSERT_FALSE(read) << target;
    EXPECT_TRUE(mentions(read.error().message(), {"index", "'a' is mapped to", "in the same folder"}));
  }
  for (const char* bad : {"{}", "[]", "3", R"({"weight_map":[]})"})
    EXPECT_TRUE(mentions(parse_shard_index(bad, "index").error().message(), {"no weight_map"})) << bad;
}

TEST(HfFolder, SaysWhatTheFolderLacks) {
  const Folder folder;
  EXPECT_TRUE(mentions(refusal(folder), {folder.path().string(), "no config.json"}));
  folder.file("config.json", "{\"a\": nonsense}");
  EXPECT_TRUE(mentions(refusal(folder), {"config.json", "is not JSON"}));
  folder.file("config.json", "[1]");
  EXPECT_TRUE(mentions(refusal(folder), {"config.json", "no JSON object"}));
  folder.file("config.json", std::string(100000, '['));
  EXPECT_TRUE(mentions(refusal(folder), {"nested 100000 levels deep", "at most 64"}));
  folder.file("config.json", "{\"a\":1e999}");
  EXPECT_TRUE(mentions(refusal(folder), {"config.json", "out of range"}));
  folder.file("config.json", "{}");
  EXPECT_TRUE(mentions(refusal(folder), {"no weights", "model.safetensors"}));
  folder.file("pytorch_model.bin", "PK");
  EXPECT_TRUE(mentions(refusal(folder), {"PyTorch pickles", "safe_serialization=True"}));
}

}  // namespace
}  // namespace sw
