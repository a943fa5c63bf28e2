#include "text/byte_trie.hpp"

#include <utility>

namespace sw {

void ByteTrie::insert(std::string_view key, std::int32_t value) {
  std::uint32_t node = 0;
  for (const char c : key) {
    if (edges_.size() < 2 * values_.size() + 2) grow();
    Edge& edge = edges_[find(key_of(node, static_cast<unsigned char>(c)))];
    if (edge.child == no_node) {
      edge = {key_of(node, static_cast<unsigned char>(c)), static_cast<std::uint32_t>(values_.size())};
      values_.push_back(-1);
    }
    node = edge.child;
  }
  if (values_[node] < 0) values_[node] = value;
}

void ByteTrie::grow() {
  std::vector<Edge> old = std::exchange(edges_, std::vector<Edge>(edges_.empty() ? 64 : edges_.size() * 2));
  for (const Edge& edge : old) {
    if (edge.child != no_node) edges_[find(edge.key)] = edge;
  }
}

}  // namespace sw
