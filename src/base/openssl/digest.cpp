#include "base/digest.hpp"

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

void Digest::update(std::span<const std::byte> bytes) {
  update(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string Digest::bytes() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int size = 0;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_.get()), bytes.data(), &size);
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

std::string Digest::hex() {
  return hexadecimal(bytes());
}

std::string hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

}  // namespace sw
