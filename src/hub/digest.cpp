#include "hub/digest.hpp"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <array>
#include <new>

namespace sw {
namespace {

EVP_MD_CTX* start(const EVP_MD* algorithm) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (!context || EVP_DigestInit_ex(context, algorithm, nullptr) != 1) throw std::bad_alloc();
  return context;
}

}  // namespace

void Digest::Free::operator()(void* context) const {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context));
}

Digest Digest::sha256() {
  return Digest(start(EVP_sha256()));
}

Digest Digest::git_blob(std::uint64_t size) {
  Digest digest(start(EVP_sha1()));
  std::string header = fmt::format("blob {}", size);
  header += '\0';
  digest.update(header);
  return digest;
}

void Digest::update(std::string_view bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_.get()), bytes.data(), bytes.size());
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int size = 0;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_.get()), bytes.data(), &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace sw
