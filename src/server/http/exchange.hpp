#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/message.hpp"

namespace sw::http {

/// One request and its answer, between a handler and the connection. A handler answers once with respond(), or with
/// begin(), any number of write() and end(), at once or later, from any thread.
class Exchange {
 public:
  /// `wake` is called when there is something new to take(); once until it was taken.
  Exchange(Request request, std::function<void()> wake, std::size_t max_backlog);

  const Request& request() const { return request_; }

  void respond(Response response);
  /// Begins a streamed answer; `head.body` is its first piece.
  void begin(Response head);
  /// A client that has not read more than the backlog's limit is given up.
  void write(std::string_view bytes);
  void end();
  /// Whether begin() or respond() was called.
  bool begun() const;

  /// `f` is called once if the client goes away before the answer's end; at once when it has.
  void on_close(std::function<void()> f);
  bool closed() const;

  // For the connection.
  struct Progress {
    std::optional<Response> head;  ///< of an answer that begins now
    bool streamed = false;         ///< more follows the head's body
    std::string bytes;             ///< of a streamed answer
    bool ended = false;            ///< nothing follows
    bool broken = false;           ///< the handler gave up in the middle of a stream
  };
  Progress take();
  /// The client is gone, or the answer is over.
  void close();

  /// What a handler holds. When it lets go of it without an answer the client gets a 500, and a stream is cut.
  static std::shared_ptr<Exchange> handle(std::shared_ptr<Exchange> exchange);

 private:
  void abandon();
  void notify(std::unique_lock<std::mutex>& lock);

  const Request request_;
  const std::function<void()> wake_;
  const std::size_t max_backlog_;

  mutable std::mutex mutex_;
  Progress pending_;
  bool begun_ = false, ended_ = false, closed_ = false, notified_ = false;
  std::function<void()> on_close_;
};

using ExchangePtr = std::shared_ptr<Exchange>;

}  // namespace sw::http
