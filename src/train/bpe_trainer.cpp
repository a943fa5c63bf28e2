#include "train/bpe_trainer.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <queue>
#include <set>

#include "text/byte_level.hpp"
#include "text/pre_tokenizer.hpp"

namespace sw::train {
namespace {

constexpr const char* qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

using Pair = std::pair<std::int32_t, std::int32_t>;

struct Word {
  std::vector<std::int32_t> symbols;
  std::int64_t count;
};

struct Candidate {
  std::int64_t count;
  Pair pair;
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

/// Pairs with how often they occur and in which words, kept up to date while words merge.
class Pairs {
 public:
  explicit Pairs(std::vector<Word>& words) : words_(words) {
    for (std::size_t w = 0; w < words.size(); ++w)
      for (std::size_t i = 0; i + 1 < words[w].symbols.size(); ++i)
        note({words[w].symbols[i], words[w].symbols[i + 1]}, words[w].count, w);
    for (const auto& [pair, entry] : entries_) queue_.push({entry.count, pair});
  }

  /// The most frequent pair; count 0: none is left.
  Candidate best() {
    while (!queue_.empty()) {
      Candidate top = queue_.top();
      queue_.pop();
      const std::int64_t now = entries_[top.pair].count;
      if (now == top.count) return top;
      if (now > 0) queue_.push({now, top.pair});
    }
    return {};
  }

  void merge(const Pair& pair, std::int32_t merged) {
    const std::set<std::size_t> holders = std::move(entries_[pair].words);
    std::set<Pair> changed;
    for (const std::size_t w : holders) {
      std::vector<std::int32_t>& symbols = words_[w].symbols;
      for (std::size_t i = 0; i + 1 < symbols.size(); ++i) note({symbols[i], symbols[i + 1]}, -words_[w].count, w);
      std::size_t kept = 0;
      for (std::size_t i = 0; i < symbols.size(); ++i) {
        const bool here = i + 1 < symbols.size() && symbols[i] == pair.first && symbols[i + 1] == pair.second;
        symbols[kept++] = here ? merged : symbols[i];
        i += here;
      }
      symbols.resize(kept);
      for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
        note({symbols[i], symbols[i + 1]}, words_[w].count, w);
        if (symbols[i] == merged || symbols[i + 1] == merged) changed.insert({symbols[i], symbols[i + 1]});
      }
    }
    entries_[pair] = {};
    for (const Pair& p : changed) queue_.push({entries_[p].count, p});
  }

 private:
  struct Entry {
    std::int64_t count = 0;
    std::set<std::size_t> words;
  };
  void note(const Pair& pair, std::int64_t count, std::size_t word) {
    Entry& entry = entries_[pair];
    entry.count += count;
    if (count > 0) entry.words.insert(word);
  }

  std::vector<Word>& words_;
  std::map<Pair, Entry> entries_;
  std::priority_queue<Candidate> queue_;
};

nlohmann::ordered_json special_token(const std::string& content, int id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

}  // namespace

Status BpeTrainer::add(std::string_view text) {
  SW_ASSIGN(const PreTokenizer splitter,
            PreTokenizer::compile({{.kind = PreTokenizerStep::Kind::regex, .pattern = qwen2_pattern}}));
  PreTokenizer::Pieces pieces;
  SW_TRY(splitter.split(text, true, pieces));
  for (const Span& span : pieces.spans) ++words_[std::string(pieces.text.substr(span.begin, span.end - span.begin))];
  return {};
}

Result<std::string> BpeTrainer::train(const BpeOptions& options) const {
  constexpr int bytes = 256;
  const int wanted = options.vocab_size - static_cast<int>(options.special.size());
  if (wanted < bytes)
    return fail("a vocabulary of " + std::to_string(options.vocab_size) + " tokens was asked for", "tokenizer",
                "at least the 256 bytes and " + std::to_string(options.special.size()) + " special tokens");
  std::vector<std::string> tokens;
  for (int byte = 0; byte < bytes; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  std::map<std::string, std::int64_t> sorted(words_.begin(), words_.end());
  std::vector<Word> words;
  for (const auto& [text, count] : sorted) {
    Word word{{}, count};
    for (const char c : text) word.symbols.push_back(static_cast<unsigned char>(c));
    words.push_back(std::move(word));
  }

  Pairs pairs(words);
  auto merges = nlohmann::ordered_json::array();
  // Two paths can lead to the same bytes; the second has no token of its own, and rules must not make one.
  std::set<std::string> known(tokens.begin(), tokens.end());
  while (static_cast<int>(tokens.size()) < wanted) {
    const Candidate best = pairs.best();
    if (best.count <= 1)
      return fail("the texts have only " + std::to_string(tokens.size()) + " tokens that occur twice", "tokenizer",
                  std::to_string(wanted), "Add text or ask for a smaller vocab_size");
    const std::string &left = tokens[static_cast<std::size_t>(best.pair.first)],
                      &right = tokens[static_cast<std::size_t>(best.pair.second)];
    const auto id = static_cast<std::int32_t>(tokens.size());
    merges.push_back({byte_level::to_text(left), byte_level::to_text(right)});
    std::string merged = left + right;
    if (known.insert(merged).second) {
      tokens.push_back(std::move(merged));
      pairs.merge(best.pair, id);
    } else {
      const auto same = std::ranges::find(tokens, merged) - tokens.begin();
      pairs.merge(best.pair, static_cast<std::int32_t>(same));
    }
  }

  auto vocabulary = nlohmann::ordered_json::object();
  for (std::size_t id = 0; id < tokens.size(); ++id) vocabulary[byte_level::to_text(tokens[id])] = id;
  auto added = nlohmann::ordered_json::array();
  for (const std::string& token : options.special)
    added.push_back(special_token(token, wanted + static_cast<int>(added.size())));
  const nlohmann::ordered_json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};
  const nlohmann::ordered_json split = {
      {"type", "Split"}, {"pattern", {{"Regex", qwen2_pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  const nlohmann::ordered_json file = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", nlohmann::ordered_json::array({split, byte_level})}}},
      {"post_processor", nullptr},
      {"decoder", byte_level},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"ignore_merges", false},
        {"vocab", vocabulary},
        {"merges", merges}}}};
  return file.dump(1) + "\n";
}

std::string tokenizer_config(const TokenizerRoles& roles) {
  nlohmann::ordered_json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                                   {"bos_token", nullptr},
                                   {"add_bos_token", false},
                                   {"clean_up_tokenization_spaces", false},
                                   {"model_max_length", roles.context}};
  const std::string& end = roles.end_of_turn.empty() ? roles.end_of_text : roles.end_of_turn;
  if (!end.empty()) config["eos_token"] = end;
  if (!roles.end_of_text.empty()) config["pad_token"] = roles.end_of_text;
  if (!roles.chat_template.empty()) config["chat_template"] = roles.chat_template;
  return config.dump(2) + "\n";
}

}  // namespace sw::train
