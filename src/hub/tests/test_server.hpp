#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "test_certificate.hpp"

namespace sw {

/// An HTTP server on a free port of this machine, over TLS where it is given a certificate. The handler gives the bytes of the answer as they go over the wire,
/// so that a test can also send broken ones; the connection is closed after them.
class TestServer {
 public:
  struct Request {
    std::string target, authorization, range;
  };
  using Handler = std::function<std::string(const Request&)>;

  explicit TestServer(Handler handler, const TestCertificate* certificate = nullptr);
  ~TestServer();

  std::string address() const;  ///< "http://127.0.0.1:PORT", or https
  std::vector<Request> requests() const;

 private:
  void serve();

  Handler handler_;
  const TestCertificate* certificate_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::jthread thread_;
};

/// A well-formed answer.
std::string answer(int status, const std::string& body, const std::string& more_headers = "");

}  // namespace sw
