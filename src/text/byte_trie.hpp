#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sw {

/// Strings with values, found as prefixes of a text. Nodes are numbered from the root, 0; edges lie in one hash table.
class ByteTrie {
 public:
  static constexpr std::uint32_t no_node = ~0u;

  /// A second string with the same bytes does not replace the first.
  void insert(std::string_view key, std::int32_t value);

  /// The node reached from `node` by `byte`, or no_node.
  std::uint32_t step(std::uint32_t node, unsigned char byte) const {
    if (edges_.empty()) return no_node;
    const Edge& edge = edges_[find(key_of(node, byte))];
    return edge.child;
  }
  /// The value of the string that ends at `node`, or -1.
  std::int32_t value(std::uint32_t node) const { return values_[node]; }

 private:
  struct Edge {
    std::uint64_t key = ~0ull;
    std::uint32_t child = no_node;
  };

  static std::uint64_t key_of(std::uint32_t node, unsigned char byte) {
    return static_cast<std::uint64_t>(node) << 8 | byte;
  }
  std::size_t find(std::uint64_t key) const {
    const std::uint64_t h = key * 0x9E3779B97F4A7C15;
    std::size_t i = (h ^ (h >> 32)) & (edges_.size() - 1);
    while (edges_[i].key != key && edges_[i].child != no_node) i = (i + 1) & (edges_.size() - 1);
    return i;
  }
  void grow();

  std::vector<Edge> edges_;
  std::vector<std::int32_t> values_{-1};
};

}  // namespace sw
