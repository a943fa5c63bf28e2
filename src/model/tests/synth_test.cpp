#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "model/checkpoint_io.hpp"
#include "model/describe.hpp"
#include "model/spec_tensors.hpp"
#include "model/synth.hpp"
#include "model/synth_vocabulary.hpp"
#include "model/tests/golden_folders.hpp"
#include "text/tokenizer.hpp"

namespace sw {
namespace {

// Parameters of the published checkpoints, tied heads counted once (their model cards' safetensors metadata).
const std::map<std::string_view, std::int64_t> published_parameters = {
    {"qwen2.5-0.5b", 494'032'768},   {"qwen2.5-1.5b", 1'543'714'304}, {"qwen2.5-3b", 3'085'938'688},
    {"phi-3-mini", 3'821'079'552},   {"gemma-2b", 2'506'172'416},     {"gemma-2-2b", 2'614'341'888},
    {"llama-3.2-1b", 1'235'814'400}, {"mamba-2.8b", 2'768'345'600},   {"smollm2-135m", 134'515'008},
};

class Shapes : public testing::TestWithParam<ModelShape> {};

TEST_P(Shapes, HaveAsManyParametersAsPublished) {
  const auto spec = shape_spec(GetParam());
  ASSERT_TRUE(spec) << spec.error().message();
  std::int64_t parameters = 0;
  for (const SpecTensor& tensor : spec_tensors(*spec, GetParam().layout)) parameters += count(tensor.shape);
  EXPECT_EQ(parameters, published_parameters.at(GetParam().name));
}

TEST_P(Shapes, HaveATokenizerOfExactlyTheirVocabulary) {
  const auto spec = shape_spec(GetParam());
  ASSERT_TRUE(spec);
  Metadata metadata;
  write_synth_vocabulary(GetParam(), spec->vocab, metadata);
  const auto tokenizer = Tokenizer::from_metadata(metadata);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const Tokenizer& t = **tokenizer;
  EXPECT_EQ(t.vocab_size(), spec->vocab);
  for (const SpecialToken& special : GetParam().specials) EXPECT_EQ(t.find(special.text), special.id) << special.text;

  for (const std::string text : {"The world is fast.", "naïve → 速い 🚀\n\ttab"}) {
    const auto ids = t.encode(text, {.add_special = false, .parse_special = false});
    ASSERT_TRUE(ids);
    EXPECT_EQ(*t.decode(*ids), text);
  }
  const auto words = t.encode("hello the world", {.add_special = false});
  EXPECT_LE(words->size(), 8u) << "common words are single tokens";
  std::set<std::string_view> pieces;
  for (const std::string& token : *metadata.strings("tokenizer.ggml.tokens"))
    EXPECT_TRUE(pieces.insert(token).second) << token;
}

INSTANTIATE_TEST_SUITE_P(Published, Shapes, testing::ValuesIn(model_shapes().begin(), model_shapes().end()),
                         [](const auto& test) {
                           std::string name(test.param.name);
                           std::ranges::replace_if(
                               name, [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

class SynthFile : public testing::Test {
 protected:
  static Status write(const std::filesystem::path& path, int threads, std::uint64_t seed) {
    ThreadPool pool(threads);
    return synth(*find_model_shape("smollm2-135m"), path, pool,
                 {.type = find_file_type("Q4_0"), .seed = seed, .progress = {}});
  }
  static std::uint64_t hash(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path);
    std::uint64_t h = 0xcbf29ce484222325;
    for (const std::byte b : file->bytes()) h = (h ^ static_cast<std::uint64_t>(b)) * 0x100000001b3;
    return h;
  }
};

TEST_F(SynthFile, IsTheSameForASeedOnAnyNumberOfThreadsAndOpensAsItsShape) {
  const TemporaryFolder out;
  const auto a = out.path() / "a.gguf", b = out.path() / "b.gguf", c = out.path() / "c.gguf";
  ASSERT_TRUE(write(a, 1, 7) && write(b, 3, 7) && write(c, 2, 8));
  EXPECT_EQ(hash(a), hash(b));
  EXPECT_NE(hash(a), hash(c));

  const auto opened = open_checkpoint(a);
  ASSERT_TRUE(opened) << opened.error().message();
  const auto description = describe(opened->checkpoint);
  ASSERT_TRUE(description) << description.error().message();
  EXPECT_EQ(description->parameters, 134'515'008);
  EXPECT_EQ(description->kv_bytes_per_token, 2u * 2 * 3 * 64 * 30);  // F16 keys and values, 3 heads × 64, 30 blocks
  EXPECT_EQ(description->bytes_per_token, description->bytes) << "the head is the embedding: all is read";
  ASSERT_EQ(description->blocks.size(), 1u);
  EXPECT_EQ(description->blocks[0].count, 30);
}

}  // namespace
}  // namespace sw
