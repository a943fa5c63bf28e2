#include "loadtest/client.hpp"

#include <fmt/core.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <exception>
#include <optional>

#include "loadtest/connection.hpp"
#include "loadtest/endpoint.hpp"

namespace sw::loadtest {
namespace {

namespace asio = boost::asio;

/// How soon a cancelled request ends.
constexpr std::chrono::milliseconds watch_interval(50);

double to_ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

}  // namespace

struct Client::Impl {
  LoadTarget target;
  double timeout_s;
  asio::ssl::context tls;
  Endpoint endpoint;
  asio::io_context io{1};
  Connection connection{io, endpoint};

  asio::awaitable<Connection::Outcome> exchange(const std::string& request, Answer& answer, std::int64_t& begin_ns) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::nanoseconds(static_cast<std::int64_t>(timeout_s * 1e9));
    for (bool was_open = connection.is_open();; was_open = false) {
      if (!was_open)
        if (auto opened = co_await connection.open(deadline); !opened) co_return opened;
      answer = {};
      begin_ns = endpoint.now_ns();
      auto outcome = co_await connection.exchange(request, answer, deadline);
      // The server may have closed the connection since the last answer.
      const bool stale = was_open && !outcome && outcome.error().kind == FailureKind::reset && !answer.begun();
      if (!stale) co_return outcome;
    }
  }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::create(const LoadTarget& target, double timeout_s) {
  SW_ASSIGN(auto addresses, resolve(target.url));
  try {
    auto impl = std::make_unique<Impl>(target, timeout_s, tls_context(target));
    impl->endpoint = {.addresses = std::move(addresses),
                      .host = target.url.host,
                      .tls = target.url.tls ? &impl->tls : nullptr,
                      .begin = std::chrono::steady_clock::now()};
    return Client(std::move(impl));
  } catch (const std::exception& exception) {
    return fail(exception.what(), target.url.text());
  }
}

Result<ClientAnswer> Client::ask(const LoadPrompt& prompt, const std::atomic<bool>* cancel) {
  Impl& impl = *impl_;
  const std::string where = impl.target.url.text();
  try {
    const std::string request = request_text(impl.target, prompt);
    Answer answer;
    std::int64_t begin_ns = 0, end_ns = 0;
    std::optional<Connection::Outcome> outcome;
    bool cancelled = false;
    impl.io.restart();
    asio::co_spawn(impl.io, impl.exchange(request, answer, begin_ns),
                   [&](const std::exception_ptr& exception, Connection::Outcome done) {
                     if (exception) std::rethrow_exception(exception);
                     end_ns = impl.endpoint.now_ns();
                     outcome = std::move(done);
                   });
    while (!outcome) {
      impl.io.run_for(watch_interval);
      if (outcome || cancelled || !cancel || !cancel->load(std::memory_order_relaxed)) continue;
      cancelled = true;
      impl.connection.close();
    }
    if (cancelled) return fail("interrupted", where);
    if (!*outcome) return std::unexpected(error_of(outcome->error(), where));
    ClientAnswer result{.ttft_ms = to_ms(answer.first_text_ns() - begin_ns),
                        .total_ms = to_ms(end_ns - begin_ns),
                        .gaps_ms = {},
                        .tokens = answer.tokens(),
                        .text = answer.text()};
    for (const std::int64_t gap : answer.gaps_ns()) result.gaps_ms.push_back(to_ms(gap));
    return result;
  } catch (const std::exception& exception) {
    return fail(exception.what(), where);
  }
}

}  // namespace sw::loadtest
