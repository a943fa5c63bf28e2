#include "test_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <stdexcept>

namespace sw {
namespace {

namespace http = boost::beast::http;

sockaddr* as_address(sockaddr_in& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

void send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

TestServer::TestServer(Handler handler) : handler_(std::move(handler)) {
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
  return "http://127.0.0.1:" + std::to_string(port_);
}

std::vector<TestServer::Request> TestServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void TestServer::serve() {
  for (;;) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    http::request_parser<http::empty_body> parser;
    std::string received;
    std::array<char, 4096> chunk;
    boost::system::error_code error;
    while (!parser.is_done()) {
      const ssize_t n = ::recv(connection, chunk.data(), chunk.size(), 0);
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
      send_all(connection, handler_(request));
    }
    ::close(connection);
  }
}

std::string answer(int status, const std::string& body, const std::string& more_headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         more_headers + "\r\n" + body;
}

}  // namespace sw
