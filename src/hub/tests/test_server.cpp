#include "test_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>

namespace sw {
namespace {

namespace http = boost::beast::http;

sockaddr* as_address(sockaddr_in& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

/// One accepted connection, closed at the end.
class Connection {
 public:
  Connection(int socket, SSL_CTX* tls) : socket_(socket) {
    if (tls == nullptr) return;
    tls_.reset(SSL_new(tls));
    SSL_set_fd(tls_.get(), socket);
    SSL_accept(tls_.get());  // a client that refuses the certificate sends nothing after it
  }
  Connection(const Connection&) = delete;
  ~Connection() {
    if (tls_) SSL_shutdown(tls_.get());
    ::close(socket_);
  }

  /// Bytes read into `to`, 0 or less at the end.
  long receive(std::span<char> to) {
    return tls_ ? SSL_read(tls_.get(), to.data(), static_cast<int>(to.size()))
                : ::recv(socket_, to.data(), to.size(), 0);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const long sent = tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

 private:
  int socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_{nullptr, SSL_free};
};

}  // namespace

TestServer::TestServer(Handler handler, const TestCertificate* certificate)
    : handler_(std::move(handler)), certificate_(certificate) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (listener_ < 0 || ::bind(listener_, as_address(address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, as_address(address), &size) != 0)
    throw std::runtime_error("cannot listen on the loopback interface");
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this] { serve(); });
}

TestServer::~TestServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::string TestServer::address() const {
  return (certificate_ != nullptr ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::vector<TestServer::Request> TestServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void TestServer::serve() {
  for (;;) {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    Connection connection(socket, certificate_ != nullptr ? certificate_->server_context() : nullptr);
    http::request_parser<http::empty_body> parser;
    std::string received;
    std::array<char, 4096> chunk;
    boost::system::error_code error;
    while (!parser.is_done()) {
      const long n = connection.receive(chunk);
      if (n <= 0) break;
      received.append(chunk.data(), static_cast<std::size_t>(n));
      if (received.find("\r\n\r\n") == std::string::npos) continue;
      parser.put(boost::asio::buffer(received), error);
      break;
    }
    if (parser.is_done() && !error) {
      const auto& message = parser.get();
      const Request request{std::string(message.target()), std::string(message[http::field::authorization]),
                            std::string(message[http::field::range])};
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      connection.send(handler_(request));
    }
  }
}

std::string answer(int status, const std::string& body, const std::string& more_headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         more_headers + "\r\n" + body;
}

}  // namespace sw
