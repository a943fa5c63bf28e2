#include "scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace sw::loadtest {
namespace {

bool send_all(int socket, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

/// One request taken from the front of `buffer`, which is filled as needed; empty when the client is gone.
std::string read_request(int socket, std::string& buffer) {
  for (;;) {
    if (const auto header_end = buffer.find("\r\n\r\n"); header_end != buffer.npos) {
      const auto length = buffer.find("Content-Length: ");
      const std::size_t body = length < header_end ? std::strtoul(buffer.c_str() + length + 16, nullptr, 10) : 0;
      const std::size_t size = header_end + 4 + body;
      if (buffer.size() >= size) {
        std::string request = buffer.substr(0, size);
        buffer.erase(0, size);
        return request;
      }
    }
    char part[4096];
    const ssize_t n = ::recv(socket, part, sizeof(part), 0);
    if (n <= 0) return {};
    buffer.append(part, static_cast<std::size_t>(n));
  }
}

}  // namespace

ScriptedServer::ScriptedServer(OnRequest on_request) : on_request_(std::move(on_request)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 128) != 0)
    std::abort();
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept(); });
}

ScriptedServer::~ScriptedServer() {
  ended_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  threads_.clear();
  for (const int socket : sockets_) ::close(socket);
}

std::vector<std::string> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::accept() {
  while (!ended_) {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ++connections_;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void ScriptedServer::serve(int socket) {
  std::string buffer;
  while (!ended_) {
    const std::string request = read_request(socket, buffer);
    if (request.empty()) break;
    Script script;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      script = on_request_(static_cast<int>(requests_.size()) - 1, request);
    }
    for (const auto& [after, bytes] : script.pieces) {
      for (auto left = after; left.count() > 0 && !ended_; left -= std::chrono::milliseconds(10))
        std::this_thread::sleep_for(std::min(left, std::chrono::milliseconds(10)));
      if (!send_all(socket, bytes)) break;
    }
    if (script.close) break;
  }
  ::shutdown(socket, SHUT_RDWR);
}

std::string chat_event(const std::string& text) {
  return R"(data: {"choices":[{"index":0,"delta":{"content":")" + text +
         R"("},"finish_reason":null}]})"
         "\n\n";
}

std::string stream_header(bool chunked) {
  return std::string("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n") +
         (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Connection: close\r\n\r\n");
}

std::string chunk(const std::string& bytes) {
  char size[24];
  std::snprintf(size, sizeof(size), "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

ScriptedServer::Script good_stream(int n, std::chrono::milliseconds first, std::chrono::milliseconds gap) {
  ScriptedServer::Script script;
  script.pieces.push_back({first, stream_header(true)});
  for (int i = 0; i < n; ++i)
    script.pieces.push_back({i == 0 ? std::chrono::milliseconds() : gap, chunk(chat_event("word "))});
  const std::string end = R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
                          "\n\ndata: [DONE]\n\n";
  script.pieces.push_back({{}, chunk(end) + "0\r\n\r\n"});
  return script;
}

std::string whole_answer(int status, const std::string& content_type, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Type: " + content_type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace sw::loadtest
