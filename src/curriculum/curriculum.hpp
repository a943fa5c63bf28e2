#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.hpp"
#include "game/content.hpp"

namespace sw::curriculum {

struct CorpusSize {
  std::uint64_t seed = 1;
  int conversations = 400'000;  ///< to train on
  int validation = 500;         ///< conversations like them
  int lookups = 60'000;         ///< texts and conversations to learn looking up from
};

struct CorpusFiles {
  std::filesystem::path lookup, train, validation, test;
  int questions = 0;  ///< in the test
};

/// Conversations about the content, as the phrasings in a folder ask: OUT/lookup.jsonl to begin with, OUT/train.jsonl
/// and OUT/validation.jsonl to learn from, and OUT/test.jsonl, tasks for `speedwins eval` whose phrasings, pairs and
/// combinations are in none of them. The same seed, content and phrasings give the same bytes.
Result<CorpusFiles> write_corpus(const game::Content& content, const std::filesystem::path& phrasings,
                                 const std::filesystem::path& out, const CorpusSize& size);

}  // namespace sw::curriculum
