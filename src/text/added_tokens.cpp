#include "text/added_tokens.hpp"

#include <algorithm>

namespace sw {
namespace {

bool has_class(std::string_view text, std::size_t i, int classes) {
  const unicode::Character c = unicode::decode(text, i);
  return c.valid && unicode::is(c.code_point, classes);
}

/// The offset of the character that ends at `end` > 0.
std::size_t previous(std::string_view text, std::size_t end) {
  std::size_t i = end - 1;
  while (i > 0 && end - i < 4 && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) --i;
  return unicode::decode(text, i).size == end - i ? i : end - 1;
}

bool is_word_at(std::string_view text, std::size_t i) {
  const unicode::Character c = unicode::decode(text, i);
  return c.valid && unicode::is_word(c.code_point);
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.content.empty(); });
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    contents_.insert(tokens_[i].content, static_cast<std::int32_t>(i));
    first_bytes_.set(static_cast<unsigned char>(tokens_[i].content[0]));
  }
}

std::vector<AddedTokens::Segment> AddedTokens::split(std::string_view text,
                                                     std::span<const std::size_t> literal) const {
  std::vector<Segment> segments;
  std::size_t done = 0;  // everything before it is in `segments`
  for (std::size_t i = 0; i < text.size();) {
    if (!first_bytes_[static_cast<unsigned char>(text[i])]) {
      ++i;
      continue;
    }
    while (!literal.empty() && literal.front() < i) literal = literal.subspan(1);
    const std::size_t special_end = literal.empty() ? text.size() : literal.front();
    std::int32_t longest = -1;
    std::size_t end = i;
    std::uint32_t node = 0;
    for (std::size_t j = i; j < text.size();) {
      node = contents_.step(node, static_cast<unsigned char>(text[j++]));
      if (node == ByteTrie::no_node) break;
      const std::int32_t found = contents_.value(node);
      if (found < 0 || (j > special_end && tokens_[static_cast<std::size_t>(found)].special)) continue;
      longest = found;
      end = j;
    }
    if (longest < 0) {
      ++i;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(longest)];
    const bool inside_word =
        (i > 0 && is_word_at(text, previous(text, i))) || (end < text.size() && is_word_at(text, end));
    if (token.single_word && inside_word) {
      i = end;
      continue;
    }
    std::size_t begin = std::max(i, done);
    while (token.lstrip && begin > done && has_class(text, previous(text, begin), unicode::space)) {
      begin = std::max(done, previous(text, begin));
    }
    while (token.rstrip && end < text.size() && has_class(text, end, unicode::space)) {
      end += unicode::decode(text, end).size;
    }
    if (begin > done) segments.push_back({done, begin, -1});
    segments.push_back({begin, end, token.id});
    done = i = end;
  }
  if (done < text.size()) segments.push_back({done, text.size(), -1});
  return segments;
}

}  // namespace sw
