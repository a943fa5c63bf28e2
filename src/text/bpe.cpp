// Byte pair encoding (Sennrich et al. 2016): start from bytes or characters, and as long as two adjacent symbols have a
// merge rule, apply the best rule, the leftmost of equals. What makes it fast: most words are one token, which a
// single lookup finds, and a merge never crosses two bytes that are adjacent in no token, so text is cut there first.

#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <functional>
#include <queue>
#include <unordered_map>

#include "text/merge_table.hpp"
#include "text/subword_model.hpp"

namespace sw {
namespace {

constexpr std::int32_t no_symbol = -1;

/// A part of a piece while it merges. `id` is a token, or a stand-in for a character that is in tokens but is none.
struct Symbol {
  std::int32_t id;
  std::uint32_t rank = MergeRule::none;  ///< of the merge with the next symbol
  std::int32_t merged = -1;              ///< what that merge makes
  std::uint32_t begin;                   ///< byte offset in the piece
};

class Bpe final : public SubwordModel {
 public:
  Bpe(const TokenizerSpec& spec, const PieceTable& pieces)
      : spec_(spec),
        pieces_(pieces),
        bytes_(byte_tokens(spec.vocabulary)),
        merges_(spec.merges_by_score ? 0 : spec.merges.size()),
        whole_(std::make_unique<std::atomic<Whole>[]>(static_cast<std::size_t>(spec.vocabulary.size()))) {
    if (spec.merges_by_score) {
      merge_by_score();
    } else {
      for (std::size_t i = 0; i < spec.merges.size(); ++i) {
        const Merge& m = spec.merges[i];
        merges_.insert(m.left, m.right, {static_cast<std::uint32_t>(i), m.merged});
        note_joints(spec.vocabulary.piece(m.merged));
      }
    }
    for (unsigned byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      single_[byte] = pieces.find({&c, 1}).value_or(no_symbol);
    }
  }

  void encode(std::string_view piece, std::vector<TokenId>& out) const override {
    const std::size_t start = out.size();
    if (spec_.kind == SubwordKind::byte_bpe || spec_.ignore_merges) return encode_part(piece, start, out);
    std::size_t begin = 0;
    for (std::size_t i = 1; i < piece.size(); ++i) {
      const auto next = static_cast<unsigned char>(piece[i]);
      if ((next & 0xC0) == 0x80 || joints_[joint(piece[i - 1], piece[i])]) continue;
      encode_part(piece.substr(begin, i - begin), start, out);
      begin = i;
    }
    encode_part(piece.substr(begin), start, out);
  }

  /// The merge rules alone, without the shortcut for words that are tokens. Unknown tokens fuse from out[start] on.
  void merge(std::string_view piece, std::size_t start, std::vector<TokenId>& out) const {
    std::vector<Symbol> symbols = split(piece);
    if (symbols.size() <= short_piece) {
      merge_short(symbols);
    } else {
      merge_long(symbols);
    }
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const std::size_t end = i + 1 < symbols.size() ? symbols[i + 1].begin : piece.size();
      append(symbols[i].id, piece.substr(symbols[i].begin, end - symbols[i].begin), start, out);
    }
  }

 private:
  enum class Whole : std::uint8_t { unknown, yes, no };
  static constexpr std::size_t short_piece = 48;  // below this, scanning for the best merge beats a heap

  static std::size_t joint(char a, char b) {
    return static_cast<std::size_t>(static_cast<unsigned char>(a)) << 8 | static_cast<unsigned char>(b);
  }
  void note_joints(std::string_view piece) {
    for (std::size_t i = 1; i < piece.size(); ++i) joints_.set(joint(piece[i - 1], piece[i]));
  }

  /// Rules of a SentencePiece model: any two symbols whose concatenation is a token, ranked by its score.
  void merge_by_score() {
    const Vocabulary& vocabulary = spec_.vocabulary;
    std::vector<float> scores;
    for (TokenId id = 0; id < vocabulary.size(); ++id) {
      if (pieces_.find(vocabulary.piece(id)) == id) scores.push_back(vocabulary.score(id));
    }
    std::sort(scores.begin(), scores.end(), std::greater<>());
    scores.erase(std::unique(scores.begin(), scores.end()), scores.end());

    struct Rule {
      std::int32_t left, right;
      MergeRule rule;
    };
    std::vector<Rule> rules;
    for (TokenId id = 0; id < vocabulary.size(); ++id) {
      const std::string_view piece = vocabulary.piece(id);
      if (piece.empty() || pieces_.find(piece) != id) continue;
      const auto rank = static_cast<std::uint32_t>(
          std::lower_bound(scores.begin(), scores.end(), vocabulary.score(id), std::greater<>()) - scores.begin());
      for (std::size_t cut = unicode::decode(piece, 0).size; cut < piece.size();
           cut += unicode::decode(piece, cut).size) {
        const std::int32_t left = symbol_for(piece.substr(0, cut)), right = symbol_for(piece.substr(cut));
        if (left == no_symbol || right == no_symbol) continue;
        rules.push_back({left, right, {rank, id}});
        note_joints(piece);
      }
    }
    merges_ = MergeTable(rules.size());
    for (const Rule& r : rules) merges_.insert(r.left, r.right, r.rule);
  }

  /// The symbol of a token or a single character; a character that is no token gets a stand-in.
  std::int32_t symbol_for(std::string_view text) {
    if (const auto id = pieces_.find(text)) return *id;
    if (unicode::decode(text, 0).size != text.size()) return no_symbol;
    const auto next = spec_.vocabulary.size() + static_cast<std::int32_t>(stand_ins_.size());
    return stand_ins_.emplace(text, next).first->second;
  }

  void encode_part(std::string_view piece, std::size_t start, std::vector<TokenId>& out) const {
    if (piece.empty()) return;
    const auto id = pieces_.find(piece);
    if (id && is_whole(*id)) {
      out.push_back(*id);
      return;
    }
    merge(piece, start, out);
  }

  /// Whether the merge rules make the token out of its own bytes; found out when first asked.
  bool is_whole(TokenId id) const {
    if (spec_.ignore_merges) return true;
    std::atomic<Whole>& known = whole_[static_cast<std::size_t>(id)];
    Whole whole = known.load(std::memory_order_relaxed);
    if (whole == Whole::unknown) {
      std::vector<TokenId> ids;
      merge(spec_.vocabulary.piece(id), 0, ids);
      whole = ids.size() == 1 && ids[0] == id ? Whole::yes : Whole::no;
      known.store(whole, std::memory_order_relaxed);
    }
    return whole == Whole::yes;
  }

  std::vector<Symbol> split(std::string_view piece) const {
    std::vector<Symbol> symbols;
    symbols.reserve(piece.size());
    for (std::size_t i = 0; i < piece.size();) {
      const std::uint32_t size = spec_.kind == SubwordKind::byte_bpe ? 1 : unicode::decode(piece, i).size;
      std::int32_t id = no_symbol;
      if (size == 1) {
        id = single_[static_cast<unsigned char>(piece[i])];
      } else if (const auto found = pieces_.find(piece.substr(i, size))) {
        id = *found;
      }
      if (id == no_symbol && !stand_ins_.empty()) id = stand_in(piece.substr(i, size));
      symbols.push_back({.id = id, .begin = static_cast<std::uint32_t>(i)});
      i += size;
    }
    return symbols;
  }

  std::int32_t stand_in(std::string_view character) const {
    const auto found = stand_ins_.find(std::string(character));
    return found == stand_ins_.end() ? no_symbol : found->second;
  }

  void look_up(Symbol& left, const Symbol& right) const {
    const MergeRule rule =
        left.id == no_symbol || right.id == no_symbol ? MergeRule{} : merges_.find(left.id, right.id);
    left.rank = rule.rank;
    left.merged = rule.merged;
  }

  void merge_short(std::vector<Symbol>& symbols) const {
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) look_up(symbols[i], symbols[i + 1]);
    while (symbols.size() > 1) {
      const auto best = std::min_element(symbols.begin(), symbols.end(),
                                         [](const Symbol& a, const Symbol& b) { return a.rank < b.rank; });
      if (best->rank == MergeRule::none) break;
      best->id = best->merged;
      best->rank = MergeRule::none;
      const auto next = symbols.erase(best + 1);
      if (next != symbols.end()) look_up(*best, *next);
      if (best != symbols.begin()) look_up(*(best - 1), *best);
    }
  }

  /// The same with a heap over a linked list, O(n log n).
  void merge_long(std::vector<Symbol>& symbols) const {
    const std::size_t n = symbols.size();
    std::vector<std::uint32_t> next(n), previous(n);
    std::vector<std::uint64_t> candidates;  // rank << 32 | position: the order in which merges apply
    const auto key = [&](std::size_t i) { return static_cast<std::uint64_t>(symbols[i].rank) << 32 | i; };
    for (std::size_t i = 0; i < n; ++i) {
      next[i] = static_cast<std::uint32_t>(i + 1);
      previous[i] = static_cast<std::uint32_t>(i - 1);
      if (i + 1 == n) break;
      look_up(symbols[i], symbols[i + 1]);
      if (symbols[i].rank != MergeRule::none) candidates.push_back(key(i));
    }
    std::priority_queue heap(std::greater<>(), std::move(candidates));
    const auto refresh = [&](std::size_t i) {
      symbols[i].rank = MergeRule::none;
      if (next[i] < n) look_up(symbols[i], symbols[next[i]]);
      if (symbols[i].rank != MergeRule::none) heap.push(key(i));
    };
    constexpr std::uint32_t gone = ~0u;
    while (!heap.empty()) {
      const std::uint64_t top = heap.top();
      heap.pop();
      const auto i = static_cast<std::uint32_t>(top);
      if (next[i] == gone || symbols[i].rank != top >> 32) continue;  // the pair has changed since
      const std::uint32_t right = next[i];
      symbols[i].id = symbols[i].merged;
      next[i] = next[right];
      next[right] = gone;
      if (next[i] < n) previous[next[i]] = i;
      refresh(i);
      if (i != 0) refresh(previous[i]);
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < n; i = next[i]) symbols[kept++] = symbols[i];
    symbols.resize(kept);
  }

  void append(std::int32_t id, std::string_view text, std::size_t start, std::vector<TokenId>& out) const {
    if (id != no_symbol && id < spec_.vocabulary.size()) {
      out.push_back(id);
      return;
    }
    if (spec_.byte_fallback &&
        std::ranges::all_of(text, [&](char c) { return bytes_[static_cast<unsigned char>(c)] >= 0; })) {
      for (const char c : text) out.push_back(bytes_[static_cast<unsigned char>(c)]);
      return;
    }
    if (!spec_.unknown) return;
    if (spec_.fuse_unknown && out.size() > start && out.back() == *spec_.unknown) return;
    out.push_back(*spec_.unknown);
  }

  const TokenizerSpec& spec_;
  const PieceTable& pieces_;
  std::vector<TokenId> bytes_;
  MergeTable merges_;
  std::array<std::int32_t, 256> single_{};
  std::unordered_map<std::string, std::int32_t> stand_ins_;
  std::bitset<65536> joints_;  ///< pairs of bytes adjacent in some token that a merge makes
  std::unique_ptr<std::atomic<Whole>[]> whole_;
};

}  // namespace

std::vector<TokenId> byte_tokens(const Vocabulary& vocabulary) {
  std::vector<TokenId> ids(256, -1);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.type(id) != TokenType::byte || vocabulary.piece(id).size() != 1) continue;
    ids[static_cast<unsigned char>(vocabulary.piece(id)[0])] = id;
  }
  return ids;
}

bool encodes_its_tokens(const SubwordModel& model, const TokenizerSpec& spec, const PieceTable& pieces) {
  std::vector<TokenId> ids;
  for (TokenId id = 0; id < spec.vocabulary.size(); ++id) {
    if (pieces.find(spec.vocabulary.piece(id)) != id) continue;
    ids.clear();
    model.encode(spec.vocabulary.piece(id), ids);
    if (ids.size() != 1 || ids[0] != id) return false;
  }
  return true;
}

Result<std::unique_ptr<SubwordModel>> make_bpe(const TokenizerSpec& spec, const PieceTable& pieces) {
  // Every cut of every token is looked at, so a token of megabytes would take hours.
  constexpr std::size_t longest_scored_token = 1024;
  for (TokenId id = 0; spec.merges_by_score && id < spec.vocabulary.size(); ++id) {
    if (spec.vocabulary.piece(id).size() <= longest_scored_token) continue;
    return fail("token " + std::to_string(id) + " has " + std::to_string(spec.vocabulary.piece(id).size()) + " bytes",
                "vocabulary", "at most " + std::to_string(longest_scored_token) + " in a SentencePiece model");
  }
  return std::make_unique<Bpe>(spec, pieces);
}

}  // namespace sw
