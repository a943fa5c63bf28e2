#include <gtest/gtest.h>

#include <cstring>

#include "bytes.hpp"
#include "formats/gguf.hpp"
#include "mentions.hpp"

namespace sw {
namespace {

using test::GgufBytes;
using test::mentions;

Result<Checkpoint> parse(const GgufBytes& file) {
  return parse_gguf(test::as_bytes(file.bytes), "bad.gguf");
}

/// The message with which the file is refused.
std::string refusal(const GgufBytes& file) {
  const auto read = parse(file);
  return read ? "the file was accepted" : read.error().message();
}

GgufBytes one_key(std::string_view key, std::uint32_t type) {
  GgufBytes file;
  file.header(0, 1).string(key).u32(type);
  return file;
}

TEST(GgufReader, ReadsEveryKindOfValue) {
  GgufBytes file;
  file.header(0, 15);
  file.string("u8").u32(0).number<std::uint8_t>(200);
  file.string("i8").u32(1).number<std::int8_t>(-100);
  file.string("u16").u32(2).number<std::uint16_t>(60000);
  file.string("i16").u32(3).number<std::int16_t>(-30000);
  file.string("u32").u32(4).u32(4000000000u);
  file.string("i32").u32(5).number<std::int32_t>(-2000000000);
  file.string("f32").u32(6).number<float>(1.5f);
  file.string("bool").u32(7).raw("\x01");
  file.string("string").u32(8).string("héllo");
  file.string("u64").u32(10).u64(1ull << 62);
  file.string("i64").u32(11).number<std::int64_t>(-(1ll << 62));
  file.string("f64").u32(12).number<double>(0.1);
  file.string("strings").u32(9).u32(8).u64(2).string("a").string("");
  file.string("floats").u32(9).u32(6).u64(2).number<float>(0.25f).number<float>(-1.0f);
  file.string("bytes").u32(9).u32(0).u64(3).raw("\x01\x02\xff");

  const auto read = parse(file);
  ASSERT_TRUE(read) << read.error().message();
  const Metadata& keys = read->metadata;
  EXPECT_EQ(keys.integer("u8"), 200);
  EXPECT_EQ(keys.integer("i8"), -100);
  EXPECT_EQ(keys.integer("u16"), 60000);
  EXPECT_EQ(keys.integer("i16"), -30000);
  EXPECT_EQ(keys.integer("u32"), 4000000000);
  EXPECT_EQ(keys.integer("i32"), -2000000000);
  EXPECT_EQ(keys.number("f32"), 1.5);
  EXPECT_EQ(keys.boolean_or("bool", false), true);
  EXPECT_EQ(keys.string("string"), "héllo");
  EXPECT_EQ(keys.integer("u64"), 1ll << 62);
  EXPECT_EQ(keys.integer("i64"), -(1ll << 62));
  EXPECT_EQ(keys.number("f64"), 0.1);
  EXPECT_EQ(*keys.strings("strings"), (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(*keys.floats("floats"), (std::vector<double>{0.25, -1.0}));
  EXPECT_EQ(*keys.integers("bytes"), (std::vector<std::int64_t>{1, 2, 255}));
}

TEST(GgufReader, GivesShapesOutermostFirstAndViewsIntoTheFile) {
  GgufBytes file;
  file.header(2, 0, 2);
  file.string("matrix").u32(2).u64(64).u64(3).u32(8).u64(32);  // 3 rows of 64 as Q8_0
  file.string("scalar").u32(0).u32(0).u64(0);
  file.align().raw("abcd").align().zeros(3 * 2 * 34);

  const auto read = parse(file);
  ASSERT_TRUE(read) << read.error().message();
  const TensorView* matrix = read->find("matrix");
  ASSERT_NE(matrix, nullptr);
  EXPECT_EQ(matrix->shape, (Shape{3, 64}));
  EXPECT_EQ(matrix->dtype, DType::q8_0);
  EXPECT_EQ(matrix->data.size(), 204u);
  const TensorView* scalar = read->find("scalar");
  ASSERT_NE(scalar, nullptr);
  EXPECT_EQ(scalar->shape, (Shape{1}));
  EXPECT_EQ(static_cast<char>(scalar->data[0]), 'a');
  EXPECT_EQ(read->find("absent"), nullptr);
}

TEST(GgufReader, RefusesEveryTruncationOfAFile) {
  GgufBytes file;
  file.header(1, 3);
  file.string("name").u32(8).string("tiny");
  file.string("list").u32(9).u32(8).u64(2).string("x").string("y");
  file.string("flag").u32(7).raw("\x01");
  file.tensor("t", 2, 0).align().zeros(8);
  ASSERT_TRUE(parse(file));
  while (!file.bytes.empty()) {
    file.bytes.pop_back();
    const auto read = parse(file);
    ASSERT_FALSE(read) << "with " << file.bytes.size() << " bytes";
    EXPECT_TRUE(mentions(read.error().where, {"bad.gguf"}));
  }
}

TEST(GgufReader, SaysWhatIsWrongWithTheHeader) {
  EXPECT_TRUE(mentions(refusal(GgufBytes{"ggjt and more"}), {"bad.gguf", "'ggjt'", "'GGUF'"}));
  EXPECT_TRUE(mentions(refusal(GgufBytes{}.header(0, 0, 1)), {"version is 1", "2 or 3"}));
  EXPECT_TRUE(mentions(refusal(GgufBytes{}.header(0, 0, 4)), {"version is 4"}));
  EXPECT_TRUE(mentions(refusal(GgufBytes{}.header(0, 0, 0x03000000)), {"big-endian"}));
  EXPECT_TRUE(
      mentions(refusal(GgufBytes{}.header(0, 1ull << 60)), {"metadata keys is 1152921504606846976", "at most 0"}));
  EXPECT_TRUE(mentions(refusal(GgufBytes{}.header(~0ull, 0).zeros(100)),
                       {"number of tensors is 18446744073709551615", "at most 4"}));
}

TEST(GgufReader, SaysWhatIsWrongWithAKey) {
  EXPECT_TRUE(mentions(refusal(GgufBytes{}.header(0, 1).u64(1ull << 50).zeros(64)),
                       {"byte 32", "1125899906842624 bytes", "1 to 65535"}));
  EXPECT_TRUE(mentions(refusal(GgufBytes{}.header(0, 1).string("").zeros(64)), {"1 to 65535"}));
  EXPECT_TRUE(mentions(refusal(one_key("caf\xe9", 0).zeros(1)), {"'caf\\xe9'", "not UTF-8"}));
  EXPECT_TRUE(mentions(refusal(one_key("k", 13).zeros(8)), {"'k'", "unknown type 13"}));
  EXPECT_TRUE(mentions(refusal(one_key("k", 7).raw("\x02")), {"boolean 2", "0 or 1"}));
  EXPECT_TRUE(mentions(refusal(one_key("k", 8).u64(~0ull).zeros(8)),
                       {"ends inside metadata key 'k'", "18446744073709551615 more bytes where 8"}));
  EXPECT_TRUE(mentions(refusal(one_key("k", 10).u64(1ull << 63)), {"'k'", "9223372036854775808"}));
  EXPECT_TRUE(mentions(refusal(GgufBytes{}.header(0, 2).string("k").u32(0).zeros(1).string("k").u32(0).zeros(1)),
                       {"metadata key 'k' occurs twice"}));
}

TEST(GgufReader, SaysWhatIsWrongWithAnArray) {
  EXPECT_TRUE(mentions(refusal(one_key("k", 9).u32(9).u64(1).zeros(64)), {"'k'", "array of arrays"}));
  EXPECT_TRUE(mentions(refusal(one_key("k", 9).u32(77).u64(1).zeros(64)), {"unknown type 77"}));
  EXPECT_TRUE(mentions(refusal(one_key("k", 9).u32(8).u64(1ull << 61).zeros(64)),
                       {"length of metadata key 'k' is 2305843009213693952", "at most 8"}));
  EXPECT_TRUE(mentions(refusal(one_key("k", 9).u32(12).u64(9).zeros(64)), {"at most 8"}));
  EXPECT_TRUE(mentions(refusal(one_key("k", 9).u32(8).u64(2).string("fine").u64(1000)), {"ends inside"}));
}

TEST(GgufReader, SaysWhatIsWrongWithATensor) {
  const auto shaped = [](std::initializer_list<std::uint64_t> sizes, std::uint32_t type) {
    GgufBytes file;
    file.header(1, 0).string("t").u32(static_cast<std::uint32_t>(sizes.size()));
    for (const auto size : sizes) file.u64(size);
    file.u32(type).u64(0).align().zeros(256);
    return file;
  };
  ASSERT_TRUE(parse(shaped({32, 1, 2}, 8)));
  EXPECT_TRUE(mentions(refusal(shaped({1, 1, 1, 1, 1}, 0)), {"'t' has 5 dimensions", "at most 4"}));
  EXPECT_TRUE(mentions(refusal(shaped({4, 0}, 0)), {"size 0"}));
  EXPECT_TRUE(mentions(refusal(shaped({1ull << 40, 1ull << 40}, 0)), {"[1099511627776, 1099511627776] overflows"}));
  EXPECT_TRUE(mentions(refusal(shaped({1ull << 62}, 0)), {"overflows"}));
  EXPECT_TRUE(mentions(refusal(shaped({1ull << 63}, 0)), {"9223372036854775808"}));
  EXPECT_TRUE(mentions(refusal(shaped({33}, 8)), {"Q8_0", "a multiple of 32"}));
  EXPECT_TRUE(mentions(refusal(shaped({256}, 16)), {"type 16 (IQ2_XXS)", "Q4_K", "BF16"}));
  EXPECT_TRUE(mentions(refusal(shaped({256}, 1234)), {"type 1234 (unknown"}));
}

TEST(GgufReader, SaysWhichTensorLiesWrongInTheFile) {
  const auto placed = [](std::uint64_t first, std::uint64_t second) {
    GgufBytes file;
    file.header(2, 0).tensor("a", 8, first).tensor("b", 8, second).align().zeros(64);
    return file;
  };
  ASSERT_TRUE(parse(placed(32, 0)));
  EXPECT_TRUE(mentions(refusal(placed(0, 33)), {"'b' starts at byte 33", "a multiple of 32"}));
  EXPECT_TRUE(mentions(refusal(placed(0, 64)), {"'b'", "ends past the end", "at most 64"}));
  EXPECT_TRUE(mentions(refusal(placed(~31ull, 0)), {"'a'", "ends past the end"}));
  EXPECT_TRUE(mentions(refusal(placed(32, 32)), {"'a' and 'b' overlap"}));
  EXPECT_TRUE(mentions(refusal(GgufBytes{}.header(2, 0).tensor("a", 8, 0).tensor("a", 8, 32).align().zeros(64)),
                       {"two tensors are named 'a'"}));
}

TEST(GgufReader, RespectsTheAlignmentThatTheFileStates) {
  const auto aligned = [](std::uint32_t alignment) {
    GgufBytes built;
    built.header(1, 1).string("general.alignment").u32(4).u32(alignment).tensor("t", 1, 0).align(64).number(2.5f);
    return built;
  };
  const GgufBytes file = aligned(64);  // the views point into it
  const auto read = parse(file);
  ASSERT_TRUE(read) << read.error().message();
  float value = 0;
  std::memcpy(&value, read->tensors[0].data.data(), sizeof value);
  EXPECT_EQ(value, 2.5f);
  for (const std::uint32_t bad : {0u, 1u, 4u, 48u, 0xffffffffu})
    EXPECT_TRUE(mentions(refusal(aligned(bad)), {"general.alignment", "a power of two"}));
  EXPECT_TRUE(mentions(refusal(one_key("general.alignment", 8).string("32")), {"an integer"}));
}

TEST(GgufReader, OpensTheVocabulariesOfRealModels) {
  const std::filesystem::path folder = SPEEDWINS_SHARED_DIR "/data/vocab";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the shared data folder is not here";
  const auto vocabulary = [&](const char* name) -> std::string {
    const auto read = read_gguf(folder / name);
    if (!read) return read.error().message();
    const auto* tokens = read->metadata.strings("tokenizer.ggml.tokens");
    return read->metadata.string_or("tokenizer.ggml.model", "").value() + " " +
           std::to_string(tokens ? tokens->size() : 0);
  };
  // Sizes: the models' published config.json (vocab_size, or the tokenizer's own length).
  EXPECT_EQ(vocabulary("gpt-2.gguf"), "gpt2 50257");
  EXPECT_EQ(vocabulary("llama-spm.gguf"), "llama 32000");
  EXPECT_EQ(vocabulary("phi-3.gguf"), "llama 32064");
  EXPECT_EQ(vocabulary("bert-bge.gguf"), "bert 30522");
  EXPECT_EQ(vocabulary("starcoder.gguf"), "gpt2 49152");
  EXPECT_EQ(vocabulary("deepseek-coder.gguf"), "gpt2 32256");
}

TEST(GgufReader, NamesAFileThatIsNotThere) {
  const auto read = read_gguf("/nowhere/model.gguf");
  ASSERT_FALSE(read);
  EXPECT_TRUE(mentions(read.error().message(), {"/nowhere/model.gguf", "No such file"}));
}

}  // namespace
}  // namespace sw
