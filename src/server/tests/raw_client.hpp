#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sw::test {

struct Reply {
  int status = 0;                              ///< 0: none came
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;                            ///< chunks put together
  bool complete = false;                       ///< to the end its framing tells
};

/// One TCP connection on which bytes are sent as they are, right or wrong.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool send(std::string_view bytes);
  void finish_sending();  ///< half-closes
  void close();
  void reset();  ///< closes with RST
  /// The next answer; waits at most `timeout_ms` for each piece.
  Reply receive(int timeout_ms = 20000);
  /// Bytes of a stream as they come; empty at its end or after the time.
  std::string receive_some(int timeout_ms = 20000);
  /// Whether the server closed the connection within the time.
  bool is_closed(int timeout_ms = 5000);

 private:
  bool fill(int timeout_ms);
  int fd_ = -1;
  std::string buffer_;
};

std::string get(std::string_view path, std::string_view headers = "");
std::string post(std::string_view path, std::string_view body, std::string_view headers = "");
/// Sends one request on a connection of its own.
Reply ask(std::uint16_t port, const std::string& request);

}  // namespace sw::test
