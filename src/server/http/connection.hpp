#pragma once

#include <poll.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/http/policy.hpp"
#include "server/http/server_impl.hpp"

namespace sw::http {

/// One connection over Stream, a beast::tcp_stream or TLS on one: a coroutine that reads requests and writes answers,
/// one after another. Included by the two files that instantiate it. co_await stands in statements of its own, never in
/// a condition: GCC 12 compiles some of those into traps.
template <class Stream>
class Talk : public std::enable_shared_from_this<Talk<Stream>> {
 public:
  Talk(Server::Impl& server, Stream stream, std::string address)
      : server_(server), stream_(std::move(stream)), address_(std::move(address)), news_(server.io) {
    connection_.close_socket = [this] {
      boost::system::error_code ignored;
      socket().close(ignored);
      news_.cancel();
    };
    server_.connections.insert(&connection_);
    server_.n_connections.fetch_add(1, std::memory_order_relaxed);
  }
  ~Talk() {
    server_.connections.erase(&connection_);
    server_.n_connections.fetch_sub(1, std::memory_order_relaxed);
    if (server_.finishing && server_.connections.empty()) server_.limit.cancel();
  }
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  Stream& stream() { return stream_; }
  void expire_after(std::chrono::milliseconds time) { lowest().expires_after(time); }

  Awaitable<void> run() {
    bool going_on = true;
    while (going_on) going_on = co_await exchange_once();
  }

 private:
  using Parser = beast::http::request_parser<beast::http::string_body>;

  auto& lowest() { return beast::get_lowest_layer(stream_); }
  auto& socket() { return lowest().socket(); }

  /// One request and its answer; false: the connection is over.
  Awaitable<bool> exchange_once() {
    connection_.resting = true;
    if (buffer_.size() == 0) {
      expire_after(server_.options.idle_timeout);
      auto [error, n] = co_await stream_.async_read_some(buffer_.prepare(4096), use_tuple);
      if (error) co_return false;
      buffer_.commit(n);
    }
    connection_.resting = false;

    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(server_.options.max_headers));
    parser.body_limit(server_.options.max_body);
    expire_after(server_.options.header_timeout);
    auto [header_error, header_bytes] = co_await beast::http::async_read_header(stream_, buffer_, parser, use_tuple);
    if (header_error) {
      auto refusal = refusal_of(header_error, server_.options);
      if (refusal) co_await refuse(std::move(*refusal));
      co_return false;
    }

    Request request = to_request(parser.get());
    keep_alive_ = parser.get().keep_alive() && !server_.finishing;
    chunked_ = parser.get().version() >= 11;
    head_only_ = request.method == "HEAD";
    origin_ = allowed_origin(request, server_.options);
    auto entry = enter(server_, parser.get(), request, address_);
    if (!entry) {
      const bool unread = !parser.is_done();
      if (!unread) co_return co_await give(std::move(entry.error()));
      co_await refuse(std::move(entry.error()));
      co_return false;
    }

    const BodyReservation reservation(server_, body_size(parser));
    if (!reservation.granted()) {
      co_await refuse(overloaded_response("too many large requests at once"));
      co_return false;
    }
    if (!parser.is_done()) {
      expire_after(server_.options.body_timeout);
      if (equal_ignoring_case(request.header("Expect"), "100-continue")) {
        const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        const bool written = co_await write(go_on);
        if (!written) co_return false;
        expire_after(server_.options.body_timeout);
      }
      auto [body_error, body_bytes] = co_await beast::http::async_read(stream_, buffer_, parser, use_tuple);
      if (body_error) {
        auto refusal = refusal_of(body_error, server_.options);
        if (refusal) co_await refuse(std::move(*refusal));
        co_return false;
      }
    }
    request.body = std::move(parser.get().body());
    request.received = std::chrono::steady_clock::now();
    request.client = entry->admission.client;
    co_return co_await handle(std::move(request), *entry);
  }

  std::size_t body_size(Parser& parser) const {
    if (parser.is_done()) return 0;
    const auto length = parser.content_length();
    return length ? static_cast<std::size_t>(*length) : parser.chunked() ? server_.options.max_body : 0;
  }

  /// Lets the route's handler answer, and writes what it says as it comes.
  Awaitable<bool> handle(Request request, const Entry& entry) {
    const auto self = this->shared_from_this();
    auto exchange = std::make_shared<Exchange>(
        std::move(request),
        [weak = std::weak_ptr(self), &io = server_.io] {
          asio::dispatch(io, [weak] {
            if (const auto alive = weak.lock()) alive->news_.cancel();
          });
        },
        server_.options.max_backlog);
    run_handler(server_, *entry.route, Exchange::handle(exchange));

    Exchange::Progress progress = exchange->take();
    bool going_on = false;
    if (progress.ended && !progress.streamed) {
      going_on = co_await give(std::move(*progress.head));
    } else {
      using namespace asio::experimental::awaitable_operators;
      const auto outcome = co_await (answer(*exchange, std::move(progress)) || client_gone(*exchange));
      going_on = outcome.index() == 0 && std::get<0>(outcome);
    }
    exchange->close();
    if (server_.options.on_answer) {
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - exchange->request().received;
      server_.options.on_answer(exchange->request(), status_, took.count());
    }
    co_return going_on;
  }

  /// Writes an answer that comes in pieces. False: the connection is over.
  Awaitable<bool> answer(Exchange& exchange, Exchange::Progress progress) {
    bool streamed = false;
    for (;; progress = exchange.take()) {
      if (progress.head && !progress.streamed) co_return co_await give(std::move(*progress.head));
      std::string out;
      if (progress.head) {
        streamed = true;
        status_ = progress.head->status;
        if (!chunked_ || server_.finishing) keep_alive_ = false;  // the end of the connection is the end of the body
        out = write_head(*progress.head, framing(), server_.date, origin_);
      }
      if (!progress.bytes.empty() && !head_only_) append_chunk(out, progress.bytes, chunked_);
      if (progress.ended && chunked_ && !head_only_) out += "0\r\n\r\n";
      const bool written = co_await write(out);
      if (!written) co_return false;
      if (progress.broken) co_return false;
      if (progress.ended) co_return co_await end_of_answer();
      if (progress.bytes.empty() && !progress.head) {
        news_.expires_at(asio::steady_timer::time_point::max());
        // What came since take() has woken nobody yet: its dispatch runs on this thread, after this point.
        co_await news_.async_wait(use_tuple);
        if (!socket().is_open()) co_return false;
      }
    }
    co_return streamed;
  }

  /// Returns when the client has gone, which is when it closed its side: the handler is told and the socket closed.
  Awaitable<void> client_gone(Exchange& exchange) {
    asio::steady_timer pause(server_.io);
    for (;;) {
      auto [error] = co_await socket().async_wait(asio::ip::tcp::socket::wait_read, use_tuple);
      if (error) co_return;
      pollfd state{socket().native_handle(), POLLRDHUP, 0};
      if (::poll(&state, 1, 0) != 0) break;
      // The next request has come already. Its bytes stay where they are, and would end the next wait at once.
      pause.expires_after(std::chrono::milliseconds(100));
      auto [pause_error] = co_await pause.async_wait(use_tuple);
      if (pause_error) co_return;
    }
    exchange.close();
    connection_.close_socket();
  }

  /// A whole answer. False: the connection is over.
  Awaitable<bool> give(Response response) {
    status_ = response.status;
    keep_alive_ = keep_alive_ && !server_.finishing;
    const std::string_view body = response.fixed_body.empty() ? std::string_view(response.body) : response.fixed_body;
    std::string head = write_head(response, {.keep_alive = keep_alive_, .length = body.size()}, server_.date, origin_);
    if (!head_only_) {
      if (body.size() <= 16384) {
        head += body;
      } else {
        const bool head_written = co_await write(head);
        if (!head_written) co_return false;
        const bool body_written = co_await write(body);
        if (!body_written) co_return false;
        co_return co_await end_of_answer();
      }
    }
    const bool written = co_await write(head);
    if (!written) co_return false;
    co_return co_await end_of_answer();
  }

  Awaitable<bool> end_of_answer() {
    if (keep_alive_ && !server_.finishing) co_return true;
    co_await hang_up();
    co_return false;
  }

  /// An answer to a request that was not read to its end.
  Awaitable<void> refuse(Response response) {
    keep_alive_ = false;
    co_await give(std::move(response));
  }

  Framing framing() const { return {.keep_alive = keep_alive_, .chunked = chunked_}; }

  /// Sends `bytes`; false when the client is gone or does not read.
  Awaitable<bool> write(std::string_view bytes) {
    constexpr std::size_t piece = 65536;
    while (!bytes.empty()) {
      expire_after(server_.options.write_timeout);
      const std::string_view now = bytes.substr(0, piece);
      auto [error, n] = co_await stream_.async_write_some(asio::buffer(now.data(), now.size()), use_tuple);
      if (error) co_return false;
      bytes.remove_prefix(n);
    }
    co_return true;
  }

  /// Closes our side first and reads what still comes for a moment: closing with unread bytes would reset the
  /// connection, and the client might lose the answer.
  Awaitable<void> hang_up() {
    boost::system::error_code ignored;
    if constexpr (requires { stream_.async_shutdown(use_tuple); }) {
      expire_after(std::chrono::seconds(1));
      co_await stream_.async_shutdown(use_tuple);
    }
    socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    std::string scrap(4096, '\0');
    for (int i = 0; i < 64; ++i) {
      expire_after(std::chrono::milliseconds(500));
      auto [error, n] = co_await lowest().async_read_some(asio::buffer(scrap), use_tuple);
      if (error) break;
    }
    socket().close(ignored);
  }

  Server::Impl& server_;
  Stream stream_;
  std::string address_, origin_;
  asio::steady_timer news_;
  Connection connection_;
  beast::flat_buffer buffer_;
  bool keep_alive_ = false, chunked_ = true, head_only_ = false;
  int status_ = 0;
};

}  // namespace sw::http
