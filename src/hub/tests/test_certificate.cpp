#include "test_certificate.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <stdexcept>

namespace sw {
namespace {

template <class T>
T* made(T* object) {
  if (object == nullptr) throw std::runtime_error("OpenSSL cannot make a certificate");
  return object;
}
void check(int success) {
  if (success <= 0) throw std::runtime_error("OpenSSL cannot make a certificate");
}

}  // namespace

TestCertificate::TestCertificate(const char* name) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(made(EVP_EC_gen("P-256")), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(made(X509_new()), X509_free);
  X509* x509 = certificate.get();
  check(X509_set_version(x509, X509_VERSION_3));
  check(ASN1_INTEGER_set(X509_get_serialNumber(x509), 1));
  made(X509_gmtime_adj(X509_getm_notBefore(x509), -60));
  made(X509_gmtime_adj(X509_getm_notAfter(x509), 3600));
  check(X509_set_pubkey(x509, key.get()));
  X509_NAME* subject = X509_get_subject_name(x509);
  const auto* common_name = reinterpret_cast<const unsigned char*>("speedwins test");
  check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0));
  check(X509_set_issuer_name(x509, subject));
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> names(
      made(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name)), X509_EXTENSION_free);
  check(X509_add_ext(x509, names.get(), -1));
  check(X509_sign(x509, key.get(), EVP_sha256()));

  context_.reset(made(SSL_CTX_new(TLS_server_method())));
  check(SSL_CTX_use_certificate(context_.get(), x509));
  check(SSL_CTX_use_PrivateKey(context_.get(), key.get()));
}

void TestCertificate::write_pem(const std::filesystem::path& path) const {
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(made(std::fopen(path.c_str(), "w")), std::fclose);
  check(PEM_write_X509(file.get(), SSL_CTX_get0_certificate(context_.get())));
}

}  // namespace sw
