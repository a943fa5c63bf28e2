#include "game_server.hpp"

#include <fmt/core.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>

#include "game/api.hpp"
#include "game/embedded_content.hpp"
#include "game/player_cookie.hpp"
#include "game_store.hpp"
#include "run_self.hpp"

namespace sw {
namespace {

constexpr std::string_view root = "/api/game";
constexpr int most_waiting = 4;  ///< requests for the sandbox, or for a measurement

/// Requests that take seconds, one at a time on a thread of their own: the workers are for what takes milliseconds, and
/// two measurements at once would measure each other.
struct Slow {
  const char* busy;  ///< what is said to those who find too many waiting
  std::atomic<int> waiting{0};
  boost::asio::thread_pool thread{1};
};

/// What the routes need, in the order in which it is made.
struct GameServer {
  game::Content content;
  std::unique_ptr<game::Store> store;
  std::unique_ptr<game::Api> api;
  Slow thinker{"the model is thinking"}, bench{"another measurement is running"};
};

Result<std::unique_ptr<game::Store>> open_store(const std::string& setting) {
  SW_ASSIGN(auto database, game::open_database(setting));
  return game::Store::open(std::move(database));
}

Result<std::unique_ptr<game::Store>> open_default_store() {
  SW_ASSIGN(const std::string setting, default_game_store());
  return open_store(setting);
}

http::Response answer(game::Api& api, const http::Request& request, std::function<bool()> gone = {}) {
  game::ApiRequest asked{.method = request.method,
                         .path = std::string_view(request.path).substr(root.size()),
                         .body = request.body,
                         .cookie = request.cookie(game::player_cookie_name),
                         .client = request.client,
                         .if_none_match = request.header("If-None-Match"),
                         .secure = request.header("X-Forwarded-Proto") == "https",
                         .gone = std::move(gone)};
  for (const auto& [name, value] : request.query) asked.query.emplace_back(name, value);
  game::ApiResponse answered = api.handle(asked);
  http::Response response{.status = answered.status, .headers = {}, .body = std::move(answered.body), .fixed_body = {}};
  for (auto& [name, value] : answered.headers) response.headers.push_back({std::move(name), std::move(value)});
  return response;
}

/// Answers on a thread of its own, where not too many wait for it already.
void answer_slowly(game::Api& api, Slow& slow, const http::ExchangePtr& exchange) {
  if (slow.waiting.fetch_add(1) >= most_waiting) {
    --slow.waiting;
    return exchange->respond(
        {.status = 429,
         .headers = {{"Retry-After", "10"}},
         .body = fmt::format(R"({{"error":{{"code":"too_many","what":"{}","next":"Wait a few seconds"}}}})", slow.busy),
         .fixed_body = {}});
  }
  boost::asio::post(slow.thread, [&api, &slow, exchange] {
    if (!exchange->closed())
      exchange->respond(answer(api, exchange->request(), [exchange] { return exchange->closed(); }));
    --slow.waiting;
  });
}

}  // namespace

Result<std::function<void(http::Router&, const Ask&)>> open_game_server(const std::string& store,
                                                                        const GameServerOptions& wanted) {
  auto server = std::make_shared<GameServer>();
  SW_ASSIGN(server->content, game::parse_content(game::embedded_content()));
  auto opened = store.empty() ? open_default_store() : open_store(store);
  if (!opened && store.empty()) {
    fmt::print(stderr, "Games are kept in memory only: {}\n", opened.error().message());
    opened = open_store(":memory:");
  }
  if (!opened) return std::unexpected(std::move(opened).error());
  server->store = std::move(*opened);
  auto ask = std::make_shared<Ask>();
  game::ApiOptions options;
  if (wanted.sandbox)
    options.ask_model = [ask](const std::string& prompt) -> Result<game::Speculation> {
      SW_ASSIGN(Asked asked, (*ask)(prompt));
      return game::Speculation{{}, std::move(asked.text), std::move(asked.model), false};
    };
  if (wanted.experiments)
    options.run_program = [](const std::vector<std::string>& arguments, const std::function<bool()>& gone) {
      return run_self(arguments, [&](double) { return !gone(); });
    };
  SW_ASSIGN(server->api,
            game::Api::create(server->content, game::embedded_content(), *server->store, std::move(options)));
  return [server, ask](http::Router& router, const Ask& served) {
    *ask = served;
    const auto handler =
        http::answer_with([server](const http::Request& request) { return answer(*server->api, request); });
    const auto path = [](std::string_view rest) { return std::string(root) + std::string(rest); };
    const auto slowly = [&](std::string_view rest, Slow GameServer::*slow) {
      router.add(
          {"POST", path(rest),
           [server, slow](http::ExchangePtr exchange) { answer_slowly(*server->api, (*server).*slow, exchange); },
           http::Access::open, http::Where::io});
    };
    slowly("/speculate", &GameServer::thinker);
    slowly("/challenge", &GameServer::bench);
    for (const char* method : {"GET", "POST"})
      router.add({method, path("/{path...}"), handler, http::Access::open, http::Where::worker});
  };
}

}  // namespace sw
