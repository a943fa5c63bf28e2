#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "decode/byte_expression.hpp"

namespace sw {

/// A context-free grammar over bytes as a recursive transition network (Woods 1970): each rule is a nondeterministic
/// automaton whose edges read a byte or call a rule. Rule 0 is the whole text. Immutable once compiled.
class Grammar {
 public:
  enum class Kind : std::uint8_t { byte, split, call, leave };
  struct Node {
    Kind kind = Kind::leave;
    std::int32_t a = 0;  ///< byte: the set; split: one way; call: the rule
    std::int32_t b = 0;  ///< what comes after: byte, call; split: the other way
  };

  /// Fails where the network would be too large, no finite text matches, or a rule can call itself before it reads
  /// anything.
  static Result<Grammar> compile(const std::vector<Expression>& rules);

  const Node& node(std::int32_t i) const { return nodes_[static_cast<std::size_t>(i)]; }
  std::int32_t begin_of(std::int32_t rule) const { return begins_[static_cast<std::size_t>(rule)]; }
  std::int32_t n_nodes() const { return static_cast<std::int32_t>(nodes_.size()); }

  /// Bytes that no edge tells apart are one class.
  int n_classes() const { return n_classes_; }
  int class_of(unsigned char byte) const { return classes_[byte]; }
  /// Whether a byte edge's set has the bytes of a class.
  bool reads(const Node& node, int byte_class) const {
    return sets_[static_cast<std::size_t>(node.a)].test(representatives_[static_cast<std::size_t>(byte_class)]);
  }

 private:
  friend class GrammarBuilder;

  std::vector<Node> nodes_;
  std::vector<std::int32_t> begins_;
  std::vector<ByteSet> sets_;
  std::array<std::uint8_t, 256> classes_{};
  std::vector<unsigned char> representatives_;
  int n_classes_ = 0;
};

}  // namespace sw
