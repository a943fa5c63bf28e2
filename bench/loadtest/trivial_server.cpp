// An OpenAI-compatible server that does nothing: every POST is answered by the same stream, prepared once. What a load
// generator can reach against it is the generator's own limit. One thread, no framework.
//
//   trivial_server PORT [TOKENS]

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

std::string chunk(const std::string& bytes) {
  char size[24];
  std::snprintf(size, sizeof(size), "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

std::string stream_of(int tokens) {
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < tokens; ++i)
    answer += chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n");
  answer += chunk("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
  return answer + "0\r\n\r\n";
}

const std::string models = [] {
  const std::string body = R"({"object":"list","data":[{"id":"trivial","object":"model"}]})";
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}();

/// Bytes of the first whole request in `input`; 0 while it is incomplete.
std::size_t request_size(std::string_view input) {
  const std::size_t header = input.find("\r\n\r\n");
  if (header == input.npos) return 0;
  std::size_t body = 0;
  if (const std::size_t length = input.find("Content-Length: "); length < header)
    body = std::strtoul(input.data() + length + 16, nullptr, 10);
  const std::size_t size = header + 4 + body;
  return input.size() >= size ? size : 0;
}

/// A trivial answer fits into any socket's buffer; a client that does not read is let go.
bool answer(int socket, std::string& input, const std::string& stream) {
  while (const std::size_t size = request_size(input)) {
    const std::string& reply = input.starts_with("GET") ? models : stream;
    if (::send(socket, reply.data(), reply.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(reply.size())) return false;
    input.erase(0, size);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 8099;
  const std::string stream = stream_of(argc > 2 ? std::atoi(argv[2]) : 4);
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0), on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || ::listen(listener, 1024) != 0) {
    std::fprintf(stderr, "cannot listen on port %d: %s\n", port, std::strerror(errno));
    return 1;
  }
  const int poll = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  ::epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  std::unordered_map<int, std::string> inputs;
  for (;;) {
    epoll_event events[256];
    const int n = ::epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < n; ++i) {
      const int socket = events[i].data.fd;
      if (socket == listener) {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (client < 0) continue;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        event.data.fd = client;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
        inputs[client].clear();
        continue;
      }
      char part[16384];
      const ssize_t received = ::recv(socket, part, sizeof(part), 0);
      std::string& input = inputs[socket];
      if (received > 0) input.append(part, static_cast<std::size_t>(received));
      const bool again = received < 0 && (errno == EAGAIN || errno == EINTR);
      if (!again && (received <= 0 || !answer(socket, input, stream))) {
        ::close(socket);
        inputs.erase(socket);
      }
    }
  }
}
