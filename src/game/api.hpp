#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "game/content.hpp"
#include "game/sandbox.hpp"
#include "game/store.hpp"

namespace sw::game {

/// An HTTP request as far as the game cares; whoever speaks HTTP fills it in.
struct ApiRequest {
  std::string_view method = {};                                           ///< upper case
  std::string_view path = {};                                             ///< after "/api/game", decoded: "/combine"
  std::vector<std::pair<std::string_view, std::string_view>> query = {};  ///< decoded
  std::string_view body = {};
  std::string_view cookie = {};         ///< the value of player_cookie_name; empty: none
  std::string_view client = {};         ///< whom new players count against: an address
  std::string_view if_none_match = {};  ///< the header
  bool secure = false;                  ///< over TLS
  std::function<bool()> gone = {};      ///< whether the client has left; what takes seconds is then given up
};

struct ApiResponse {
  int status = 200;
  std::string body;                                          ///< JSON; empty with 304
  std::vector<std::pair<std::string, std::string>> headers;  ///< Set-Cookie, ETag, Cache-Control, Retry-After, Allow
};

struct ApiOptions {
  double requests_per_second = 50, burst = 200;                 ///< per player
  double new_players_per_second = 5, new_player_burst = 100;    ///< per client
  double speculations_per_second = 0.1, speculation_burst = 5;  ///< per player
  std::function<std::int64_t()> clock = {};                     ///< Unix seconds; empty: the system's
  AskModel ask_model = {};                                      ///< empty: no sandbox
  double challenges_per_second = 0.1, challenge_burst = 6;      ///< per player
  /// Runs this program with these arguments and --json until it ends or `gone`. Empty: challenges are only read.
  std::function<Result<nlohmann::json>(const std::vector<std::string>& arguments, const std::function<bool()>& gone)>
      run_program = {};
};

/// The interface of docs/game-api.md. Safe to use from several threads.
class Api {
 public:
  /// `content`, `files` and `store` outlive the object. Reads the key for cookies from the store, or makes one there.
  static Result<std::unique_ptr<Api>> create(const Content& content, std::span<const ContentFile> files, Store& store,
                                             ApiOptions options = {});
  ~Api();

  ApiResponse handle(const ApiRequest& request);

 private:
  struct Impl;
  explicit Api(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The largest body that is worth reading.
constexpr std::size_t largest_body = 8u << 20;

}  // namespace sw::game
