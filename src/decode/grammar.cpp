#include "decode/grammar.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

namespace sw {
namespace {

constexpr std::size_t max_nodes = 1 << 17;
using Kind = ByteExpression::Kind;

std::unexpected<Error> too_large() {
  return fail("the constraint is too large", {}, std::to_string(max_nodes) + " steps at most",
              "Lower its repetition counts, or split it");
}

/// What is known of rules while it is being found out: whether any finite text matches, and whether the empty one does.
struct Facts {
  std::vector<bool> productive, nullable;

  bool is_productive(const ByteExpression& e) const {
    switch (e.kind) {
      case Kind::byte:
        return e.bytes.any();
      case Kind::sequence:
        return std::all_of(e.parts.begin(), e.parts.end(), [&](const auto& part) { return is_productive(*part); });
      case Kind::choice:
        return std::any_of(e.parts.begin(), e.parts.end(), [&](const auto& part) { return is_productive(*part); });
      case Kind::repeat:
        return e.min == 0 || is_productive(*e.parts.front());
      case Kind::rule:
        return productive[static_cast<std::size_t>(e.rule)];
    }
    return false;
  }
  bool is_nullable(const ByteExpression& e) const {
    switch (e.kind) {
      case Kind::byte:
        return false;
      case Kind::sequence:
        return std::all_of(e.parts.begin(), e.parts.end(), [&](const auto& part) { return is_nullable(*part); });
      case Kind::choice:
        return std::any_of(e.parts.begin(), e.parts.end(), [&](const auto& part) { return is_nullable(*part); });
      case Kind::repeat:
        return e.min == 0 || is_nullable(*e.parts.front());
      case Kind::rule:
        return nullable[static_cast<std::size_t>(e.rule)];
    }
    return false;
  }
};

Facts facts_of(const std::vector<Expression>& rules) {
  Facts facts{std::vector<bool>(rules.size()), std::vector<bool>(rules.size())};
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (!facts.productive[i] && facts.is_productive(*rules[i])) facts.productive[i] = changed = true;
      if (!facts.nullable[i] && facts.is_nullable(*rules[i])) facts.nullable[i] = changed = true;
    }
  }
  return facts;
}

/// The rules that `e` may call before it has read a byte.
void first_calls(const ByteExpression& e, const Facts& facts, std::vector<int>& calls) {
  switch (e.kind) {
    case Kind::byte:
      return;
    case Kind::sequence:
      for (const auto& part : e.parts) {
        first_calls(*part, facts, calls);
        if (!facts.is_nullable(*part)) return;
      }
      return;
    case Kind::choice:
    case Kind::repeat:
      for (const auto& part : e.parts) first_calls(*part, facts, calls);
      return;
    case Kind::rule:
      calls.push_back(e.rule);
  }
}

bool is_left_recursive(const std::vector<Expression>& rules, const Facts& facts) {
  std::vector<std::vector<int>> calls(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) first_calls(*rules[i], facts, calls[i]);
  // Rules whose calls are all settled are settled (Kahn); a cycle never is.
  std::vector<bool> settled(rules.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (settled[i]) continue;
      settled[i] = std::all_of(calls[i].begin(), calls[i].end(), [&](int rule) { return settled[rule]; });
      changed = changed || settled[i];
    }
  }
  return std::find(settled.begin(), settled.end(), false) != settled.end();
}

}  // namespace

/// Builds from the end to the beginning: build(e, next) is where `e` followed by `next` begins.
class GrammarBuilder {
 public:
  GrammarBuilder(Grammar& grammar, const Facts& facts) : grammar_(grammar), facts_(facts) {}

  Status build_rules(const std::vector<Expression>& rules) {
    for (const Expression& rule : rules) {
      SW_ASSIGN(const std::int32_t leave, add({Grammar::Kind::leave, 0, 0}));
      SW_ASSIGN(const std::int32_t begin, build(*rule, leave));
      grammar_.begins_.push_back(begin);
    }
    find_classes();
    return {};
  }

 private:
  Result<std::int32_t> add(Grammar::Node node) {
    if (grammar_.nodes_.size() >= max_nodes) return too_large();
    grammar_.nodes_.push_back(node);
    return grammar_.n_nodes() - 1;
  }

  std::int32_t set_of(const ByteSet& bytes) {
    const auto [position, is_new] = set_ids_.try_emplace(bytes, static_cast<std::int32_t>(grammar_.sets_.size()));
    if (is_new) grammar_.sets_.push_back(bytes);
    return position->second;
  }

  Result<std::int32_t> build(const ByteExpression& e, std::int32_t next) {
    switch (e.kind) {
      case Kind::byte:
        return add({Grammar::Kind::byte, set_of(e.bytes), next});
      case Kind::sequence:
        for (auto part = e.parts.rbegin(); part != e.parts.rend(); ++part) {
          SW_ASSIGN(next, build(**part, next));
        }
        return next;
      case Kind::choice:
        return build_choice(e, next);
      case Kind::repeat:
        return build_repeat(e, next);
      case Kind::rule:
        return add({Grammar::Kind::call, e.rule, next});
    }
    return next;
  }

  /// Alternatives that no finite text matches are left out: nobody must be led into them.
  Result<std::int32_t> build_choice(const ByteExpression& e, std::int32_t next) {
    std::int32_t begin = -1;
    for (auto part = e.parts.rbegin(); part != e.parts.rend(); ++part) {
      if (!facts_.is_productive(**part)) continue;
      SW_ASSIGN(const std::int32_t way, build(**part, next));
      if (begin < 0) {
        begin = way;
      } else {
        SW_ASSIGN(begin, add({Grammar::Kind::split, way, begin}));
      }
    }
    return begin < 0 ? next : begin;  // only rules that nobody can reach have a choice of nothing
  }

  Result<std::int32_t> build_repeat(const ByteExpression& e, std::int32_t next) {
    const ByteExpression& part = *e.parts.front();
    if (!facts_.is_productive(part)) return next;
    std::int32_t begin = next;
    if (e.max < 0) {
      SW_ASSIGN(const std::int32_t loop, add({Grammar::Kind::split, 0, next}));
      SW_ASSIGN(const std::int32_t body, build(part, loop));
      grammar_.nodes_[static_cast<std::size_t>(loop)].a = body;
      begin = loop;
    } else {
      for (int i = e.min; i < e.max; ++i) {
        SW_ASSIGN(const std::int32_t body, build(part, begin));
        SW_ASSIGN(begin, add({Grammar::Kind::split, body, next}));
      }
    }
    for (int i = 0; i < e.min; ++i) {
      const std::int32_t before = begin;
      SW_ASSIGN(begin, build(part, begin));
      if (begin == before) break;  // a part without bytes
    }
    return begin;
  }

  /// Refines one class of all bytes by each set in turn.
  void find_classes() {
    auto& classes = grammar_.classes_;
    int n = 1;
    for (const ByteSet& set : grammar_.sets_) {
      std::map<std::pair<int, bool>, int> renamed;
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const auto next = static_cast<int>(renamed.size());
        classes[byte] = static_cast<std::uint8_t>(
            renamed.try_emplace({static_cast<int>(classes[byte]), set.test(byte)}, next).first->second);
      }
      n = static_cast<int>(renamed.size());
    }
    grammar_.n_classes_ = n;
    grammar_.representatives_.resize(static_cast<std::size_t>(n));
    for (std::size_t byte = 0; byte < 256; ++byte)
      grammar_.representatives_[classes[byte]] = static_cast<unsigned char>(byte);
  }

  Grammar& grammar_;
  const Facts& facts_;
  std::unordered_map<ByteSet, std::int32_t> set_ids_;
};

Result<Grammar> Grammar::compile(const std::vector<Expression>& rules) {
  const Facts facts = facts_of(rules);
  if (rules.empty() || !facts.productive.front())
    return fail("no finite text satisfies the constraint", {}, "at least one text that matches");
  if (is_left_recursive(rules, facts))
    return fail("the constraint refers to itself without anything in between", {},
                "a reference below a property or item");
  Grammar grammar;
  GrammarBuilder builder(grammar, facts);
  SW_TRY(builder.build_rules(rules));
  return grammar;
}

}  // namespace sw
