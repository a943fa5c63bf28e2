// Bytes per second of encode() on one core: English with a real vocabulary where the checkout has ../shared, and inputs
// made to be slow.

#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "formats/gguf.hpp"
#include "text/tokenizer.hpp"

namespace {

const std::filesystem::path data = std::filesystem::path(SPEEDWINS_SHARED_DIR) / "data";

std::unique_ptr<const sw::Tokenizer> load(const std::string& name) {
  const auto checkpoint = sw::read_gguf(data / "vocab" / (name + ".gguf"));
  if (!checkpoint) return nullptr;
  auto tokenizer = sw::Tokenizer::from_metadata(checkpoint->metadata);
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

void encode(benchmark::State& state, const std::string& name, const std::string& text) {
  const auto tokenizer = load(name);
  if (tokenizer == nullptr || text.empty()) {
    state.SkipWithError("no ../shared/data");
    return;
  }
  for (auto _ : state)
    benchmark::DoNotOptimize(tokenizer->encode(text, {.add_special = false, .parse_special = false}));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

std::string repeated(const std::string& part) {
  std::string text;
  while (text.size() < (1u << 20)) text += part;
  return text;
}

const int registered = [] {
  const std::string english = sw::read_text_file(data / "text" / "wikitext-2-valid.txt").value_or("");
  for (const char* name : {"gpt-2", "deepseek-coder", "starcoder", "llama-spm", "bert-bge"}) {
    const std::string prefix = name;
    benchmark::RegisterBenchmark((prefix + "/english").c_str(), encode, prefix, english)->Unit(benchmark::kMillisecond);
    for (const char* part : {"a", " ", "aaaa bbbb ", "\xE4\xBD\xA0"}) {
      benchmark::RegisterBenchmark((prefix + "/1 MiB of '" + part + "'").c_str(), encode, prefix, repeated(part))
          ->Unit(benchmark::kMillisecond);
    }
  }
  return 0;
}();

}  // namespace
