#include "raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

namespace sw::test {

RawClient::RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) close();
}

RawClient::~RawClient() {
  close();
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void RawClient::finish_sending() {
  ::shutdown(fd_, SHUT_WR);
}

void RawClient::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawClient::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

bool RawClient::fill(int timeout_ms) {
  pollfd state{fd_, POLLIN, 0};
  if (fd_ < 0 || ::poll(&state, 1, timeout_ms) <= 0) return false;
  char bytes[16384];
  const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
  if (n <= 0) {
    close();
    return false;
  }
  buffer_.append(bytes, static_cast<std::size_t>(n));
  return true;
}

std::string RawClient::receive_some(int timeout_ms) {
  if (buffer_.empty()) fill(timeout_ms);
  return std::exchange(buffer_, {});
}

bool RawClient::is_closed(int timeout_ms) {
  while (fill(timeout_ms)) {
  }
  return fd_ < 0;
}

Reply RawClient::receive(int timeout_ms) {
  Reply reply;
  std::size_t end = 0;
  do {
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!fill(timeout_ms)) return reply;
    if (buffer_.size() > 12) reply.status = std::atoi(buffer_.c_str() + 9);
    if (reply.status == 100) buffer_.erase(0, end + 4);
  } while (reply.status == 100);
  for (std::size_t line = buffer_.find("\r\n") + 2; line < end;) {
    const std::size_t next = buffer_.find("\r\n", line), colon = buffer_.find(": ", line);
    std::string name = buffer_.substr(line, colon - line);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    reply.headers[name] = buffer_.substr(colon + 2, next - colon - 2);
    line = next + 2;
  }
  buffer_.erase(0, end + 4);

  if (reply.headers.contains("transfer-encoding")) {
    for (;;) {
      std::size_t line = 0;
      while ((line = buffer_.find("\r\n")) == std::string::npos)
        if (!fill(timeout_ms)) return reply;
      const std::size_t size = std::strtoul(buffer_.c_str(), nullptr, 16);
      while (buffer_.size() < line + 2 + size + 2)
        if (!fill(timeout_ms)) return reply;
      reply.body += buffer_.substr(line + 2, size);
      buffer_.erase(0, line + 2 + size + 2);
      if (size == 0) break;
    }
  } else if (reply.headers.contains("content-length")) {
    const std::size_t size = std::strtoul(reply.headers["content-length"].c_str(), nullptr, 10);
    while (buffer_.size() < size)
      if (!fill(timeout_ms)) return reply;
    reply.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else if (reply.headers["connection"] == "close") {
    while (fill(timeout_ms)) {
    }
    reply.body = std::exchange(buffer_, {});
  }
  reply.complete = true;
  return reply;
}

std::string get(std::string_view path, std::string_view headers) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view headers) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
         "Content-Length: " + std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

Reply ask(std::uint16_t port, const std::string& request) {
  RawClient client(port);
  client.send(request);
  return client.receive();
}

}  // namespace sw::test
