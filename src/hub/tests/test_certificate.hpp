#pragma once

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>

namespace sw {

/// A self-signed certificate with its key, made anew: nobody trusts it but who is told to.
class TestCertificate {
 public:
  /// `name` is the one the certificate speaks for, as OpenSSL writes it: "IP:127.0.0.1" or "DNS:localhost".
  explicit TestCertificate(const char* name = "IP:127.0.0.1");

  void write_pem(const std::filesystem::path& path) const;  ///< without the key
  SSL_CTX* server_context() const { return context_.get(); }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, SSL_CTX_free};
};

}  // namespace sw
