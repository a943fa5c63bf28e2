#include <map>

#include <gtest/gtest.h>

#include "model/convert.hpp"
#include "model/tests/golden_folders.hpp"
#include "quant/quant.hpp"

namespace sw {
namespace {

DType type_in(const char* file_type, const char* name, Shape shape,
              ModelOutline outline = {.blocks = 24, .tied_head = true}) {
  return tensor_type(*find_file_type(file_type), name, shape, outline);
}

// What llama.cpp's llama-quantize writes for Qwen2.5-0.5B (rows of 896 and 4864, 24 blocks, tied head) and for models
// with rows that are multiples of 256.
TEST(FileType, GivesNarrowRowsTheTypesLlamaCppFallsBackTo) {
  EXPECT_EQ(type_in("Q4_0", "token_embd.weight", {151936, 896}), DType::q8_0);
  EXPECT_EQ(type_in("Q4_0", "blk.0.ffn_down.weight", {896, 4864}), DType::q4_0);
  EXPECT_EQ(type_in("Q4_K_M", "blk.5.attn_q.weight", {896, 896}), DType::q5_0);
  EXPECT_EQ(type_in("Q5_K_M", "blk.5.attn_q.weight", {896, 896}), DType::q5_1);
  EXPECT_EQ(type_in("Q6_K", "blk.5.attn_q.weight", {896, 896}), DType::q8_0);
  EXPECT_EQ(type_in("Q4_K_M", "token_embd.weight", {151936, 896}), DType::q8_0);
  EXPECT_EQ(type_in("Q4_0", "blk.0.attn_q.weight", {48, 48}), DType::f16);
}

TEST(FileType, SpendsMoreBitsOnTheHeadAndOnSensitiveBlocks) {
  const Shape wide = {2048, 2048};
  EXPECT_EQ(type_in("Q4_K_M", "token_embd.weight", wide), DType::q6_k);
  EXPECT_EQ(type_in("Q4_K_M", "token_embd.weight", wide, {.blocks = 32, .tied_head = false}), DType::q4_k);
  EXPECT_EQ(type_in("Q4_K_M", "output.weight", wide, {.blocks = 32, .tied_head = false}), DType::q6_k);
  EXPECT_EQ(type_in("Q4_0", "output.weight", wide), DType::q6_k);
  EXPECT_EQ(type_in("Q8_0", "output.weight", wide), DType::q8_0);
  EXPECT_EQ(type_in("F16", "output.weight", wide), DType::f16);
  // use_more_bits of 24 blocks: 0–2, 21–23, and every third between, from 5.
  std::vector<int> six_bits;
  for (int block = 0; block < 24; ++block)
    if (type_in("Q4_K", ("blk." + std::to_string(block) + ".ffn_down.weight").c_str(), wide) == DType::q6_k)
      six_bits.push_back(block);
  EXPECT_EQ(six_bits, (std::vector{0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23}));
  EXPECT_EQ(type_in("Q4_K_S", "blk.3.attn_v.weight", wide), DType::q5_k);
  EXPECT_EQ(type_in("Q4_K_S", "blk.4.attn_v.weight", wide), DType::q4_k);
}

TEST(FileType, KeepsVectorsNormsAndTheSmallTensorsOfMambaInF32) {
  for (const char* name : {"blk.0.attn_norm.weight", "blk.0.attn_q.bias", "output_norm.weight", "blk.0.ssm_d"})
    EXPECT_EQ(type_in("Q4_0", name, {256}), DType::f32) << name;
  EXPECT_EQ(type_in("Q4_0", "blk.0.ssm_a", {5120, 16}), DType::f32);
  EXPECT_EQ(type_in("F16", "blk.0.ssm_conv1d.weight", {5120, 4}), DType::f32);
  EXPECT_EQ(type_in("Q4_0", "blk.0.ssm_in.weight", {5120, 2560}), DType::q4_0);
}

TEST(FileType, IsFoundByItsNameInAnyCase) {
  EXPECT_EQ(find_file_type("q4_k")->id, 15u);
  EXPECT_EQ(find_file_type("Q4_K_S")->id, 14u);
  EXPECT_EQ(find_file_type("bf16")->id, 32u);
  EXPECT_EQ(find_file_type("Q3_X"), nullptr);
}

Result<OpenedCheckpoint> converted(const std::string& name, const char* type, int threads, const TemporaryFolder& out) {
  SW_ASSIGN(const OpenedCheckpoint opened, open_checkpoint(golden_models() / name));
  ThreadPool pool(threads);
  SW_TRY(convert(opened, out.path() / "model.gguf", pool,
                 {.type = type ? find_file_type(type) : nullptr, .progress = {}}));
  return open_checkpoint(out.path() / "model.gguf");
}

TEST(Convert, KeepsEveryTensorWhenNoTypeIsGiven) {
  const TemporaryFolder out;
  const auto opened = open_checkpoint(golden_models() / "qwen2");
  const auto again = converted("qwen2", nullptr, 2, out);
  ASSERT_TRUE(again) << again.error().message();
  for (const TensorView& tensor : opened->checkpoint.tensors) {
    const TensorView* copy = again->checkpoint.find(tensor.name);
    ASSERT_NE(copy, nullptr) << tensor.name;
    EXPECT_EQ(copy->dtype, tensor.dtype);
    EXPECT_TRUE(std::ranges::equal(copy->data, tensor.data)) << tensor.name;
  }
}

TEST(Convert, CarriesTheTokenizerIntoTheFile) {
  const TemporaryFolder out;
  const auto opened = open_checkpoint(golden_models() / "qwen2");
  const auto again = converted("qwen2", nullptr, 2, out);
  ASSERT_TRUE(again) << again.error().message();
  ASSERT_TRUE(opened->tokenizer && again->tokenizer);
  const std::string text = "Speed wins: 3 tokens, naïvely 12.5 ms each.\n";
  EXPECT_EQ(*opened->tokenizer->encode(text), *again->tokenizer->encode(text));
  EXPECT_EQ(again->tokenizer->vocab_size(), 320) << "as many tokens as the embedding has rows";
}

TEST(Convert, QuantizesEachRowOfAMatrixByItself) {
  const TemporaryFolder out;
  const auto opened = open_checkpoint(golden_models() / "llama-k256");
  const auto again = converted("llama-k256", "Q4_K_S", 2, out);
  ASSERT_TRUE(again) << again.error().message();
  const TensorView &from = *opened->checkpoint.find("blk.0.attn_output.weight"),
                   &to = *again->checkpoint.find("blk.0.attn_output.weight");
  ASSERT_EQ(to.dtype, DType::q4_k);
  std::vector<float> row(256);
  dequantize(from.dtype, from.data.data() + 100 * info(from.dtype).row_bytes(256), row);
  std::vector<std::byte> encoded(info(to.dtype).row_bytes(256));
  quantize(to.dtype, row, encoded.data());
  EXPECT_TRUE(std::ranges::equal(encoded, to.data.subspan(100 * encoded.size(), encoded.size())));
}

TEST(Convert, WritesTheSameBytesOnAnyNumberOfThreads) {
  const TemporaryFolder one, three;
  ASSERT_TRUE(converted("llama-k256", "Q4_K_M", 1, one));
  ASSERT_TRUE(converted("llama-k256", "Q4_K_M", 3, three));
  EXPECT_EQ(*read_text_file(one.path() / "model.gguf"), *read_text_file(three.path() / "model.gguf"));
}

TEST(Convert, LeavesNoFileWhenTheFolderDoesNotExist) {
  const auto opened = open_checkpoint(golden_models() / "llama");
  ThreadPool pool(1);
  const auto status = convert(*opened, "/nonexistent/model.gguf", pool, {});
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("/nonexistent"), std::string::npos);
}

TEST(Convert, LeavesNothingBehindWhenWritingStopsHalfWay) {
  const auto opened = open_checkpoint(golden_models() / "llama");
  ThreadPool pool(1);
  std::vector<TensorSource> sources = {
      encoded_source("w", DType::f32, {4, 4}, pool, [](std::int64_t, std::span<float>) {})};
  const TemporaryFolder out;
  sources[0].produce = [](const ByteSink&) -> Status { return fail("no space left on the device"); };
  const auto status = write_gguf(out.path() / "full.gguf", opened->checkpoint.metadata, sources);
  ASSERT_FALSE(status);
  EXPECT_TRUE(std::filesystem::is_empty(out.path()));
}

}  // namespace
}  // namespace sw
