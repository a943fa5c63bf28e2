#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "bytes.hpp"
#include "formats/safetensors.hpp"
#include "mentions.hpp"

namespace sw {
namespace {

using test::Folder;
using test::mentions;
using test::safetensors_bytes;

std::string refusal(const std::string& bytes) {
  const auto read = parse_safetensors(test::as_bytes(bytes), "bad.safetensors");
  return read ? "it was accepted" : read.error().message();
}

std::string refusal_of_entry(const std::string& entry, std::size_t data = 16) {
  return refusal(safetensors_bytes("{\"t\":" + entry + "}", std::string(data, 'x')));
}

TensorSource floats(std::string name, std::vector<float> values, Shape shape) {
  return {std::move(name), DType::f32, std::move(shape),
          [held = std::move(values)](const ByteSink& sink) { return sink(std::as_bytes(std::span(held))); }};
}

TEST(Safetensors, ReadsTensorsAndMetadata) {
  const auto bytes = safetensors_bytes(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},)"
      R"("b":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},"mask":{"dtype":"BOOL","shape":[2],"data_offsets":[2,4]},)"
      R"("none":{"dtype":"F16","shape":[0,4],"data_offsets":[12,12]}}   )",
      "AB12ijklmnop");
  const auto read = parse_safetensors(test::as_bytes(bytes), "m");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->metadata, (std::vector<std::pair<std::string, std::string>>{{"format", "pt"}}));
  ASSERT_EQ(read->tensors.size(), 3u);
  EXPECT_EQ(read->tensors[0].name, "a");
  EXPECT_EQ(read->tensors[0].shape, (Shape{2, 1}));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(read->tensors[0].data.data()), 8), "ijklmnop");
  EXPECT_EQ(read->tensors[1].dtype, DType::bf16);
  EXPECT_TRUE(read->tensors[1].shape.empty());
  EXPECT_EQ(read->tensors[2].data.size(), 0u);
  ASSERT_EQ(read->unsupported.size(), 1u);
  EXPECT_EQ(read->unsupported[0].name, "mask");
  EXPECT_EQ(read->unsupported[0].dtype, "BOOL");
}

TEST(Safetensors, RefusesEveryTruncationOfAFile) {
  auto bytes = safetensors_bytes(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "abcd");
  ASSERT_TRUE(parse_safetensors(test::as_bytes(bytes), "m"));
  while (!bytes.empty()) {
    bytes.pop_back();
    EXPECT_TRUE(mentions(refusal(bytes), {"bad.safetensors"})) << bytes.size();
  }
}

TEST(Safetensors, SaysWhatIsWrongWithTheHeader) {
  EXPECT_TRUE(mentions(refusal("<html><body>404 not found"), {"is not a safetensors file", "at most 100000000"}));
  EXPECT_TRUE(mentions(refusal(std::string("\xff\xff\0\0\0\0\0\0{}", 10)), {"ends inside the header", "65535 more"}));
  EXPECT_TRUE(mentions(refusal(safetensors_bytes("{\"t\":", "")), {"not JSON at its byte 6"}));
  EXPECT_TRUE(mentions(refusal(safetensors_bytes("{} x", "")), {"not JSON"}));
  EXPECT_TRUE(mentions(refusal(safetensors_bytes("{\"\xff\":{}}", "")), {"not JSON"}));
  for (const char* odd : {"[]", "null", "3", "\"x\""})
    EXPECT_TRUE(mentions(refusal(safetensors_bytes(odd, "")), {"the header's entry ''"})) << odd;
  EXPECT_TRUE(mentions(refusal(safetensors_bytes("{\"__metadata__\":{\"k\":1}}", "")), {"'__metadata__'", "'k'"}));
}

TEST(Safetensors, SaysWhatIsWrongWithAnEntry) {
  const auto entry = [](const char* dtype, const char* shape, const char* offsets) {
    return std::string(R"({"dtype":")") + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  ASSERT_EQ(refusal_of_entry(entry("F32", "[4]", "[0,16]")), "it was accepted");
  EXPECT_TRUE(mentions(refusal_of_entry("3"), {"bad.safetensors", "'t' has a number"}));
  EXPECT_TRUE(mentions(refusal_of_entry("{}"), {"no dtype"}));
  EXPECT_TRUE(mentions(refusal_of_entry(R"({"dtype":"F32"})"), {"no shape"}));
  EXPECT_TRUE(mentions(refusal_of_entry(R"({"dtype":"F32","shape":[4]})"), {"no pair of data_offsets"}));
  EXPECT_TRUE(mentions(refusal_of_entry(R"({"dtype":{"dtype":1}})"), {"'t' has a nested object at 'dtype'"}));
  EXPECT_TRUE(mentions(refusal_of_entry(R"({"dtype":"F32","dtype":"F16"})"), {"a string at 'dtype'"}));
  EXPECT_TRUE(mentions(refusal_of_entry(R"({"extra":"F32"})"), {"a string at 'extra'"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[[4]]", "[0,16]")), {"an array at 'shape'"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[-4]", "[0,16]")), {"a negative number at 'shape'"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[4.0]", "[0,16]")), {"not whole"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[4]", "[0,16,20]")), {"no pair"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[4]", "[4,20]")), {"bytes 4 to 20", "within its 16 bytes"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[4]", "[16,0]")), {"bytes 16 to 0", "offsets in order"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[3]", "[0,16]")), {"'t' has 16 bytes", "12 for the shape [3]"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[4294967296,4294967296]", "[0,0]")), {"overflows"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[18446744073709551615]", "[0,16]")), {"18446744073709551615"}));
  EXPECT_TRUE(mentions(refusal_of_entry(entry("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4]", "[0,16]")),
                       {"17 dimensions", "at most 16"}));
}

TEST(Safetensors, RefusesTensorsThatShareBytesOrNames) {
  EXPECT_TRUE(mentions(refusal(safetensors_bytes(R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},)"
                                                 R"("b":{"dtype":"I8","shape":[4],"data_offsets":[3,7]}})",
                                                 "12345678")),
                       {"'a' and 'b' overlap"}));
  EXPECT_TRUE(mentions(refusal(safetensors_bytes(R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},)"
                                                 R"("a":{"dtype":"I8","shape":[4],"data_offsets":[4,8]}})",
                                                 "12345678")),
                       {"two tensors are named 'a'"}));
}

RC_GTEST_PROP(Safetensors, ReadsBackWhatItWrites, ()) {
  const auto contents = *rc::gen::container<std::vector<std::vector<short>>>(rc::gen::arbitrary<std::vector<short>>());
  std::vector<TensorSource> sources;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const auto name = "t\"é\n" + std::to_string(i);
    const auto size = static_cast<std::int64_t>(contents[i].size());
    if (i % 2 == 0)
      sources.push_back(floats(name, {contents[i].begin(), contents[i].end()}, {1, size}));
    else
      sources.push_back({name, DType::i16, {size}, [&data = contents[i]](const ByteSink& sink) {
                           return sink(std::as_bytes(std::span(data)));
                         }});
  }
  const Folder folder;
  const std::vector<std::pair<std::string, std::string>> metadata = {{"format", "pt"}};
  RC_ASSERT(write_safetensors(folder.file("m.safetensors"), sources, metadata).has_value());
  const auto read = read_safetensors(folder.file("m.safetensors"));
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->metadata == metadata);
  RC_ASSERT(read->tensors.size() == sources.size());
  for (const auto& tensor : read->tensors) {
    const auto source = std::ranges::find(sources, tensor.name, &TensorSource::name);
    RC_ASSERT(source != sources.end());
    RC_ASSERT(tensor.shape == source->shape);
    RC_ASSERT(tensor.dtype == source->dtype);
    RC_ASSERT((reinterpret_cast<std::uintptr_t>(tensor.data.data()) % info(tensor.dtype).block_bytes) == 0u);
    std::string expected;
    RC_ASSERT(source
                  ->produce([&](std::span<const std::byte> bytes) -> Status {
                    expected.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                    return {};
                  })
                  .has_value());
    RC_ASSERT(std::string(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()) == expected);
  }
}

TEST(Safetensors, WritesNothingThatTheFormatCannotHold) {
  const Folder folder;
  const auto write = [&](std::vector<TensorSource> sources) {
    const auto status = write_safetensors(folder.file("m.safetensors"), sources);
    return status ? "it was accepted" : status.error().message();
  };
  EXPECT_TRUE(mentions(write({{"t", DType::q4_0, {32}, {}}}), {"m.safetensors", "Q4_0", "not quantized"}));
  EXPECT_TRUE(mentions(write({{"\xff", DType::f32, {1}, {}}}), {"a name in UTF-8"}));
  EXPECT_TRUE(mentions(write({floats("t", {1}, {1}), floats("t", {1}, {1})}), {"two tensors are named 't'"}));
  EXPECT_TRUE(mentions(write({floats("t", {1}, {2})}), {"given 4 bytes", "8 for the shape [2] as F32"}));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace sw
