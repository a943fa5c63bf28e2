#include "state/prefix_key.hpp"

#include <algorithm>
#include <cstring>

#include "base/digest.hpp"

namespace sw {
namespace {

PrefixKey ended(Digest& digest) {
  PrefixKey key;
  std::copy_n(digest.bytes().begin(), key.bytes.size(), key.bytes.begin());
  return key;
}

std::string_view view(const PrefixKey& key) {
  return {key.bytes.data(), key.bytes.size()};
}

}  // namespace

PrefixKey PrefixKey::of_model(std::string_view model) {
  Digest digest = Digest::sha256();
  digest.update(model);
  return ended(digest);
}

PrefixKey PrefixKey::followed_by(std::span<const TokenId> tokens) const {
  Digest digest = Digest::sha256();
  digest.update(view(*this));
  digest.update(std::as_bytes(tokens));
  return ended(digest);
}

PrefixKey PrefixKey::recurrent() const {
  Digest digest = Digest::sha256();
  digest.update(view(*this));
  digest.update(std::string_view("recurrent"));
  return ended(digest);
}

std::string PrefixKey::hex() const {
  return hexadecimal(view(*this));
}

std::size_t PrefixKey::Hash::operator()(const PrefixKey& key) const {
  std::size_t hash;
  std::memcpy(&hash, key.bytes.data(), sizeof hash);
  return hash;
}

}  // namespace sw
