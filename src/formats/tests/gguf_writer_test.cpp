#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <limits>

#include "bytes.hpp"
#include "formats/gguf.hpp"
#include "mentions.hpp"

namespace sw {
namespace {

using test::Folder;
using test::mentions;
using Type = MetadataValue::Type;

std::string error_of(const Status& status) {
  return status ? "it was accepted" : status.error().message();
}

TensorSource floats(std::string name, std::vector<float> values) {
  const Shape shape{static_cast<std::int64_t>(values.size())};
  return {std::move(name), DType::f32, shape,
          [held = std::move(values)](const ByteSink& sink) { return sink(std::as_bytes(std::span(held))); }};
}

std::vector<float> floats_of(const TensorView& tensor) {
  std::vector<float> values(tensor.data.size() / sizeof(float));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

MetadataValue any_value() {
  const auto integer = [](Type type, std::int64_t low, std::int64_t high) {
    return MetadataValue{type, {}, *rc::gen::inRange<std::int64_t>(low, high)};
  };
  const auto text = rc::gen::container<std::string>(rc::gen::character<char>());
  switch (*rc::gen::inRange(0, 11)) {
    case 0:
      return integer(Type::u8, 0, 256);
    case 1:
      return integer(Type::i8, -128, 128);
    case 2:
      return integer(Type::u16, 0, 65536);
    case 3:
      return integer(Type::i32, -2147483648ll, 2147483648ll);
    case 4:
      return integer(Type::i64, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    case 5:
      return {Type::f32, {}, static_cast<double>(static_cast<float>(*rc::gen::arbitrary<int>()) / 8)};
    case 6:
      return {Type::f64, {}, *rc::gen::arbitrary<int>() / 3.0};
    case 7:
      return {Type::boolean, {}, *rc::gen::arbitrary<bool>()};
    case 8:
      return {Type::string, {}, *text};
    case 9:
      return {Type::array, Type::string, *rc::gen::container<std::vector<std::string>>(text)};
    default:
      return {Type::array, Type::i16,
              *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(-32768, 32768))};
  }
}

RC_GTEST_PROP(GgufWriter, WritesWhatTheReaderReadsBack, ()) {
  Metadata metadata;
  const int n_keys = *rc::gen::inRange(0, 8);
  for (int i = 0; i < n_keys; ++i) metadata.set("key." + std::to_string(i), any_value());
  std::vector<std::vector<float>> contents;
  std::vector<TensorSource> sources;
  const int n_tensors = *rc::gen::inRange(0, 6);
  for (int i = 0; i < n_tensors; ++i) {
    std::vector<float> values(*rc::gen::inRange<std::size_t>(1, 100));
    for (auto& value : values) value = static_cast<float>(*rc::gen::arbitrary<short>());
    contents.push_back(values);
    sources.push_back(floats("tensor." + std::to_string(i), values));
  }

  const Folder folder;
  const auto path = folder.file("model.gguf");
  RC_ASSERT(write_gguf(path, metadata, sources).has_value());
  const auto read = read_gguf(path);
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->metadata.entries().size() == metadata.entries().size());
  for (std::size_t i = 0; i < metadata.entries().size(); ++i) {
    const auto& [key, value] = metadata.entries()[i];
    RC_ASSERT(read->metadata.entries()[i].first == key);
    RC_ASSERT(read->metadata.entries()[i].second.type == value.type);
    RC_ASSERT(read->metadata.entries()[i].second.value == value.value);
  }
  RC_ASSERT(read->tensors.size() == contents.size());
  for (std::size_t i = 0; i < contents.size(); ++i) RC_ASSERT(floats_of(read->tensors[i]) == contents[i]);
}

TEST(GgufWriter, WritesTheBytesThatTheFormatDefines) {
  Metadata metadata;
  metadata.set("general.architecture", "toy");
  const Folder folder;
  ASSERT_TRUE(write_gguf(folder.file("a.gguf"), metadata, std::vector{floats("t", {1.0f, 2.0f})}));
  test::GgufBytes expected;
  expected.header(1, 1).string("general.architecture").u32(8).string("toy");
  expected.tensor("t", 2, 0).align().number(1.0f).number(2.0f).align();
  EXPECT_EQ(read_text_file(folder.file("a.gguf")), expected.bytes);
}

TEST(GgufWriter, AcceptsTensorsInPiecesAndReportsProgress) {
  const TensorSource source{"t", DType::f32, {2, 2}, [](const ByteSink& sink) -> Status {
                              for (const float value : {1.0f, 2.0f, 3.0f, 4.0f})
                                SW_TRY(sink(std::as_bytes(std::span(&value, 1))));
                              return {};
                            }};
  const Folder folder;
  std::vector<std::uint64_t> written;
  ASSERT_TRUE(write_gguf(folder.file("a.gguf"), {}, std::vector{source}, [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_EQ(total, 16u);
    written.push_back(done);
  }));
  EXPECT_EQ(written, (std::vector<std::uint64_t>{4, 8, 12, 16}));
  const auto read = read_gguf(folder.file("a.gguf"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->tensors[0].shape, (Shape{2, 2}));
  EXPECT_EQ(floats_of(read->tensors[0]), (std::vector<float>{1, 2, 3, 4}));
}

TEST(GgufWriter, LeavesNoFileBehindWhenItFails) {
  const Folder folder;
  const auto write = [&](const TensorSource& source) {
    return error_of(write_gguf(folder.file("a.gguf"), {}, std::vector{source}));
  };
  const auto give = [](std::size_t n) { return [n](const ByteSink& sink) { return sink(std::vector<std::byte>(n)); }; };
  EXPECT_TRUE(mentions(write({"t", DType::f32, {2}, give(4)}), {"a.gguf", "given 4 bytes", "8 for"}));
  EXPECT_TRUE(mentions(write({"t", DType::f32, {2}, give(12)}), {"given 12 bytes"}));
  EXPECT_TRUE(mentions(write({"t", DType::f32, {2}, [](const ByteSink&) -> Status { return fail("no source"); }}),
                       {"no source"}));
  EXPECT_TRUE(mentions(write({"t", DType::q4_k, {128}, give(0)}), {"a multiple of 256"}));
  EXPECT_TRUE(mentions(write({"t", DType::f32, {1, 1, 1, 1, 1}, give(4)}), {"1 to 4 dimensions"}));
  EXPECT_TRUE(mentions(write({std::string(64, 'x'), DType::f32, {1}, give(4)}), {"1 to 63 bytes"}));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(GgufWriter, RefusesValuesThatDoNotFitTheirType) {
  const Folder folder;
  const auto write = [&](MetadataValue value) {
    Metadata metadata;
    metadata.set("k", std::move(value));
    return error_of(write_gguf(folder.file("a.gguf"), metadata, {}));
  };
  EXPECT_TRUE(mentions(write({Type::u8, {}, std::int64_t{256}}), {"metadata key 'k' does not fit its type"}));
  EXPECT_TRUE(mentions(write({Type::u32, {}, std::int64_t{-1}}), {"does not fit"}));
  EXPECT_TRUE(mentions(write({Type::string, {}, 1.0}), {"does not fit"}));
  EXPECT_TRUE(mentions(write({Type::u32, {}, MetadataValue::Integers{1}}), {"does not fit"}));
  EXPECT_TRUE(mentions(write({Type::array, Type::i8, MetadataValue::Integers{128}}), {"does not fit"}));
  EXPECT_TRUE(mentions(write({Type::array, Type::f32, MetadataValue::Strings{"x"}}), {"does not fit"}));
}

/// Writes `parts` files of one tensor each, "t0", "t1" …, as the parts of one model.
void write_split(const Folder& folder, int parts, std::int64_t stated_tensors) {
  for (int part = 0; part < parts; ++part) {
    Metadata metadata;
    if (part == 0) metadata.set("general.name", "split");
    metadata.set("split.no", MetadataValue{Type::u16, {}, std::int64_t{part}});
    metadata.set("split.count", MetadataValue{Type::u16, {}, std::int64_t{parts}});
    metadata.set("split.tensors.count", MetadataValue{Type::i32, {}, stated_tensors});
    const auto name = "m-0000" + std::to_string(part + 1) + "-of-0000" + std::to_string(parts) + ".gguf";
    ASSERT_TRUE(
        write_gguf(folder.file(name), metadata, std::vector{floats("t" + std::to_string(part), {float(part)})}));
  }
}

TEST(GgufSplit, LoadsWholeFromAnyOfItsParts) {
  const Folder folder;
  write_split(folder, 3, 3);
  for (const char* name : {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"}) {
    const auto read = read_gguf(folder.file(name));
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->metadata.string("general.name"), "split");
    EXPECT_EQ(read->metadata.find("split.count"), nullptr);
    ASSERT_EQ(read->tensors.size(), 3u);
    EXPECT_EQ(floats_of(*read->find("t2")), std::vector<float>{2});
    EXPECT_EQ(read->files.size(), 3u);
  }
}

TEST(GgufSplit, NamesThePartThatIsMissingOrWrong) {
  const auto refusal = [](const Folder& folder, const char* name = "m-00001-of-00003.gguf") {
    const auto read = read_gguf(folder.file(name));
    return read ? "it was accepted" : read.error().message();
  };
  const Folder missing, swapped, renamed, short_of_tensors, twice;
  write_split(missing, 3, 3);
  std::filesystem::remove(missing.file("m-00002-of-00003.gguf"));
  EXPECT_TRUE(mentions(refusal(missing), {"m-00002-of-00003.gguf", "part 2 of 3 of the model is missing"}));

  write_split(swapped, 3, 3);
  std::filesystem::copy(swapped.file("m-00001-of-00003.gguf"), swapped.file("m-00002-of-00003.gguf"),
                        std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(mentions(refusal(swapped), {"m-00002-of-00003.gguf", "part 1 of 3", "part 2 of 3"}));

  write_split(renamed, 2, 2);
  std::filesystem::rename(renamed.file("m-00001-of-00002.gguf"), renamed.file("m.gguf"));
  EXPECT_TRUE(mentions(refusal(renamed, "m.gguf"), {"one of 2 parts", "model-00001-of-00002.gguf"}));

  write_split(short_of_tensors, 3, 4);
  EXPECT_TRUE(mentions(refusal(short_of_tensors), {"hold 3 tensors", "4, as the first part says"}));
}

}  // namespace
}  // namespace sw
