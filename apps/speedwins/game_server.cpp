#include "game_server.hpp"

#include <fmt/core.h>

#include <memory>

#include "game/api.hpp"
#include "game/embedded_content.hpp"
#include "game/player_cookie.hpp"
#include "game_store.hpp"

namespace sw {
namespace {

constexpr std::string_view root = "/api/game";

/// What the routes need, in the order in which it is made.
struct GameServer {
  game::Content content;
  std::unique_ptr<game::Store> store;
  std::unique_ptr<game::Api> api;
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

}  // namespace

Result<std::function<void(http::Router&)>> open_game_server(const std::string& store) {
  auto server = std::make_shared<GameServer>();
  SW_ASSIGN(server->content, game::parse_content(game::embedded_content()));
  auto opened = store.empty() ? open_default_store() : open_store(store);
  if (!opened && store.empty()) {
    fmt::print(stderr, "Games are kept in memory only: {}\n", opened.error().message());
    opened = open_store(":memory:");
  }
  if (!opened) return std::unexpected(std::move(opened).error());
  server->store = std::move(*opened);
  SW_ASSIGN(server->api, game::Api::create(server->content, game::embedded_content(), *server->store));
  return [server](http::Router& router) {
    const auto handler =
        http::answer_with([server](const http::Request& request) { return answer(*server->api, request); });
    for (const char* method : {"GET", "POST"})
      router.add({method, std::string(root) + "/{path...}", handler, http::Access::open, http::Where::worker});
  };
}

}  // namespace sw
