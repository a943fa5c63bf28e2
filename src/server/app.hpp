#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "server/ask.hpp"
#include "server/http/server.hpp"
#include "server/models.hpp"

namespace sw {

/// Everything `speedwins serve` can be told.
struct AppOptions {
  http::ServerOptions http;
  std::vector<ModelConfig> models;               ///< the first one answers requests that name none
  EngineOptions engine;                          ///< of each model
  int n_threads = 0;                             ///< that compute; 0: one per hardware thread
  std::chrono::milliseconds drain_limit{30000};  ///< how long requests may go on after SIGTERM
  /// Called when all models are loaded, with the address, or why one could not be.
  std::function<void(const std::string& address, const std::string& error)> on_ready;
  bool catch_signals = false;  ///< SIGTERM and SIGINT call finish()
  /// More routes: other parts of the program mount theirs here. `ask` may be kept, and used once the server runs.
  std::function<void(http::Router&, const Ask& ask)> mount;
};

/// The server: models, OpenAI's API, live numbers, the page.
class App {
 public:
  /// Binds the address; no model is loaded yet.
  static Result<std::unique_ptr<App>> create(AppOptions options);
  ~App();

  /// Loads the models and serves on the calling thread until finish(), SIGTERM or SIGINT; requests in progress are
  /// answered to their end.
  void run();
  /// Any thread.
  void finish();

  std::string address() const;
  std::uint16_t port() const;

  struct Impl;

 private:
  explicit App(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw
