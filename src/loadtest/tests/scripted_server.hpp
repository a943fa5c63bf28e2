#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sw::loadtest {

/// A server on loopback that answers each request with bytes at instants, right or wrong, as a script has them.
class ScriptedServer {
 public:
  struct Piece {
    std::chrono::milliseconds after;  ///< since the piece before
    std::string bytes;
  };
  struct Script {
    std::vector<Piece> pieces;
    bool close = false;  ///< the connection, afterwards
  };
  /// Called for each request, in order of arrival; `request` is its header and body.
  using OnRequest = std::function<Script(int index, const std::string& request)>;

  explicit ScriptedServer(OnRequest on_request);
  ~ScriptedServer();

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }
  std::vector<std::string> requests() const;

 private:
  void accept();
  void serve(int socket);

  OnRequest on_request_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> ended_ = false;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<int> sockets_;
  std::vector<std::jthread> threads_;
  std::jthread acceptor_;
};

/// An event of a streamed chat with this text.
std::string chat_event(const std::string& text);
/// The header of a stream that ends with its connection or, `chunked`, with chunk 0.
std::string stream_header(bool chunked);
/// `bytes` as one chunk.
std::string chunk(const std::string& bytes);
/// A whole answer of n texts, `gap` apart, that leaves the connection open.
ScriptedServer::Script good_stream(int n, std::chrono::milliseconds first = {}, std::chrono::milliseconds gap = {});
/// An answer with a body of known length.
std::string whole_answer(int status, const std::string& content_type, const std::string& body);

}  // namespace sw::loadtest
