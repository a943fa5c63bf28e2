#include "text/special_texts.hpp"

#include <algorithm>
#include <functional>

namespace sw {
namespace {

bool is_single_word(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

SpecialTexts::SpecialTexts(const std::vector<AddedToken>& added) {
  for (const AddedToken& token : added) {
    if (!token.special || token.content.empty()) continue;
    contents_.insert(token.content, token.id);
    for (std::size_t i = 1; i < token.content.size(); ++i) ends_.push_back(token.content.substr(i));
    longest_ = std::max(longest_, token.content.size());
  }
  std::ranges::sort(ends_);
  ends_.erase(std::ranges::unique(ends_).begin(), ends_.end());
}

std::vector<std::size_t> SpecialTexts::find(std::string_view text) const {
  std::vector<std::size_t> places;
  const bool word = is_single_word(text);
  if (!word && begins_with_an_end(text)) places.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint32_t node = 0;
    bool found = false;
    std::size_t j = i;
    while (j < text.size() && !found) {
      node = contents_.step(node, static_cast<unsigned char>(text[j++]));
      if (node == ByteTrie::no_node) break;
      found = contents_.value(node) >= 0;
    }
    if (!found && (node == ByteTrie::no_node || word)) continue;
    if (places.empty() || places.back() != i) places.push_back(i);
  }
  return places;
}

bool SpecialTexts::begins_with_an_end(std::string_view text) const {
  for (std::size_t size = 1; size <= std::min(text.size(), longest_); ++size) {
    if (std::binary_search(ends_.begin(), ends_.end(), text.substr(0, size), std::less<>())) return true;
  }
  return false;
}

}  // namespace sw
