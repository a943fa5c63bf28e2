#include "game/share_code.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "game/random.hpp"

namespace sw::game {
namespace {

constexpr std::string_view prefix = "SW1-";
constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t ids_bytes = 2, checksum_bytes = 4;

std::string to_base64url(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int n = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (n += 8; n >= 6; n -= 6) out += digits[bits >> (n - 6) & 63];
  }
  if (n > 0) out += digits[bits << (6 - n) & 63];
  return out;
}

/// Empty where a letter is none of the 64 or the last one has bits to spare.
std::string from_base64url(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int n = 0;
  for (const char letter : text) {
    const std::size_t digit = digits.find(letter);
    if (digit == std::string_view::npos) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if ((n += 6) >= 8) out += static_cast<char>(bits >> (n -= 8) & 255);
  }
  return (bits & ((1u << n) - 1)) == 0 ? out : std::string();
}

std::vector<ConceptIndex> by_id(const Content& content) {
  std::vector<ConceptIndex> order(content.size());
  std::iota(order.begin(), order.end(), ConceptIndex{0});
  std::ranges::sort(order, {}, [&](ConceptIndex idea) -> const std::string& { return content[idea].id; });
  return order;
}

std::string hash_of_ids(const Content& content, const std::vector<ConceptIndex>& order) {
  std::uint64_t hash = hash_bytes("");
  for (const ConceptIndex idea : order) hash = hash_bytes("\n", hash_bytes(content[idea].id, hash));
  return {static_cast<char>(hash >> 8 & 255), static_cast<char>(hash & 255)};
}

std::string checksum(std::string_view bytes) {
  const std::uint64_t hash = hash_bytes(bytes);
  const auto folded = static_cast<std::uint32_t>(hash ^ hash >> 32);
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(folded >> shift & 255);
  return out;
}

}  // namespace

std::string share_code(const Content& content, const State& state) {
  const auto order = by_id(content);
  std::string bytes((content.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < order.size(); ++i)
    if (state.knows(order[i])) bytes[i / 8] = static_cast<char>(bytes[i / 8] | 1 << (i % 8));
  bytes += hash_of_ids(content, order);
  bytes += checksum(bytes);
  return std::string(prefix) + to_base64url(bytes);
}

Result<std::vector<ConceptIndex>> parse_share_code(const Content& content, std::string_view code) {
  const auto refuse = [&](std::string what, std::string next = {}) {
    return fail(std::move(what), "the share code", fmt::format("{}… as this program gives it", prefix),
                std::move(next));
  };
  const std::size_t bitmap = (content.size() + 7) / 8;
  if (!code.starts_with(prefix)) return refuse("it does not begin as one");
  code.remove_prefix(prefix.size());
  if (code.size() > 4 * bitmap + 64) return refuse("it is too long");
  const std::string bytes = from_base64url(code);
  if (bytes.size() < ids_bytes + checksum_bytes) return refuse("it is not complete", "Copy it again, whole");
  const std::string_view body = std::string_view(bytes).substr(0, bytes.size() - checksum_bytes);
  if (checksum(body) != bytes.substr(body.size())) return refuse("a letter of it is wrong", "Copy it again, whole");
  const auto order = by_id(content);
  if (body.size() != bitmap + ids_bytes || body.substr(bitmap) != hash_of_ids(content, order))
    return refuse("it was made with other content", "Pass the game on as a file instead (export, import)");

  std::vector<bool> claimed(content.size()), found(content.size());
  std::size_t left = 0;
  for (std::size_t i = 0; i < order.size(); ++i) claimed[order[i]] = body[i / 8] >> (i % 8) & 1;
  for (const ConceptIndex start : content.start) found[start] = true;
  for (std::size_t i = 0; i < content.size(); ++i) left += claimed[i] && !found[i];
  std::vector<ConceptIndex> out;
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < content.size(); ++i) {
      if (!claimed[i] || found[i]) continue;
      const bool can_be = std::ranges::any_of(content.concepts[i].recipes, [&](const Recipe& recipe) {
        return std::ranges::all_of(recipe.ingredients, [&](ConceptIndex part) { return bool{found[part]}; });
      });
      if (!can_be) continue;
      found[i] = more = true;
      out.push_back(static_cast<ConceptIndex>(i));
    }
  }
  if (out.size() != left) return refuse("it claims concepts that could not have been found");
  return out;
}

}  // namespace sw::game
