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

namespace sw {
namespace {

constexpr std::string_view root = "/api/game";
constexpr int most_waiting = 4;  ///< requests for the sandbox

/// What the routes need, in the order in which it is made.
struct GameServer {
  game::Content content;
  std::unique_ptr<game::Store> store;
  std::unique_ptr<game::Api> api;
  /// A model takes seconds, and the workers are for what takes milliseconds: the sandbox has one thread of its own.
  std::atomic<int> waiting{0};
  boost::asio::thread_pool thinker{1};
};

Result<std::unique_ptr<game::Store>> open_store(const std::string& setting) {
  SW_ASSIGN(auto database, game::open_database(setting));
  return game::Store::open(std::move(database));
}

Result<std::unique_ptr<game::Store>> open_default_store() {
  SW_ASSIGN(const std::string setting, default_game_store());
  return open_store(setting);
}

http::Response answer(game::Api& api, const http::Request& request) {
  game::ApiRequest asked{.method = request.method,
                         .path = std::string_view(request.path).substr(root.size()),
                         .body = request.body,
                         .cookie = request.cookie(game::player_cookie_name),
                         .client = request.client,
                         .if_none_match = request.header("If-None-Match"),
                         .secure = request.header("X-Forwarded-Proto") == "https"};
  for (const auto& [name, value] : request.query) asked.query.emplace_back(name, value);
  game::ApiResponse answered = api.handle(asked);
  http::Response response{.status = answered.status, .headers = {}, .body = std::move(answered.body), .fixed_body = {}};
  for (auto& [name, value] : answered.headers) response.headers.push_back({std::move(name), std::move(value)});
  return response;
}

/// Answers on the sandbox's thread, where not too many wait for it already.
void think(const std::shared_ptr<GameServer>& server, const http::ExchangePtr& exchange) {
  if (server->waiting.fetch_add(1) >= most_waiting) {
    --server->waiting;
    return exchange->respond(
        {.status = 429,
         .headers = {{"Retry-After", "10"}},
         .body = R"({"error":{"code":"too_many","what":"the model is thinking","next":"Wait a few seconds"}})",
         .fixed_body = {}});
  }
  boost::asio::post(server->thinker, [self = server.get(), exchange] {
    exchange->respond(answer(*self->api, exchange->request()));
    --self->waiting;
  });
}

}  // namespace

Result<std::function<void(http::Router&, const Ask&)>> open_game_server(const std::string& store, bool sandbox) {
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
  if (sandbox)
    options.ask_model = [ask](const std::string& prompt) -> Result<game::Speculation> {
      SW_ASSIGN(Asked asked, (*ask)(prompt));
      return game::Speculation{{}, std::move(asked.text), std::move(asked.model), false};
    };
  SW_ASSIGN(server->api,
            game::Api::create(server->content, game::embedded_content(), *server->store, std::move(options)));
  return [server, ask](http::Router& router, const Ask& served) {
    *ask = served;
    const auto handler =
        http::answer_with([server](const http::Request& request) { return answer(*server->api, request); });
    const auto path = [](std::string_view rest) { return std::string(root) + std::string(rest); };
    router.add({"POST", path("/speculate"), [server](http::ExchangePtr exchange) { think(server, exchange); },
                http::Access::open, http::Where::io});
    for (const char* method : {"GET", "POST"})
      router.add({method, path("/{path...}"), handler, http::Access::open, http::Where::worker});
  };
}

}  // namespace sw
