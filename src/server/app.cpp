#include "server/app.hpp"

#include <thread>
#include <utility>

#include "server/service.hpp"

namespace sw {

struct App::Impl {
  AppOptions options;
  std::shared_ptr<Service> service = std::make_shared<Service>();
  std::unique_ptr<http::Server> server;
  std::jthread stopper;

  ~Impl() {
    if (stopper.joinable()) stopper.join();
    // Engines end before the server that they post to.
    service->models.reset();
  }

  void stop() {
    if (service->stopping.exchange(true)) return;
    stopper = std::jthread([this] {
      service->models->drain(options.drain_limit);
      server->finish(std::chrono::seconds(5));
    });
  }
};

App::App(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
App::~App() = default;

Result<std::unique_ptr<App>> App::create(AppOptions options) {
  if (options.models.empty()) return fail("no model to serve", "serve", "at least one", "Try: speedwins serve demo");
  auto impl = std::make_unique<Impl>();
  Impl* self = impl.get();
  impl->options = std::move(options);
  const std::shared_ptr<Service>& service = impl->service;
  service->metrics = std::make_shared<Metrics>();
  service->work = [self](std::function<void()> f) { self->server->work(std::move(f)); };
  service->connections = [self] { return self->server->connections(); };

  http::Router router;
  mount_generation(router, service);
  mount_models(router, service);
  mount_operation(router, service);
  if (impl->options.mount)
    impl->options.mount(router, [weak = std::weak_ptr(service)](const std::string& question) -> Result<Asked> {
      const auto running = weak.lock();
      const auto models = running ? running->models : nullptr;
      if (!models || running->stopping) return fail("the server is stopping", "the served model");
      return ask(*models, question);
    });
  mount_page(router);

  http::ServerOptions http = impl->options.http;
  if (impl->options.catch_signals) http.on_terminate = [self] { self->stop(); };
  http.on_tick = [self] {
    self->service->metrics->tick(*self->service->models);
    self->service->models->unload_idle();
  };
  http.on_answer = [self, log = http.on_answer](const http::Request& request, int status, double ms) {
    self->service->metrics->answered(status);
    if (log) log(request, status, ms);
  };
  SW_ASSIGN(impl->server, http::Server::create(std::move(http), std::move(router)));
  service->models = std::make_shared<Models>(impl->options.models, impl->options.engine, impl->options.n_threads,
                                             [self](std::function<void()> f) { self->server->post(std::move(f)); });
  return std::unique_ptr<App>(new App(std::move(impl)));
}

void App::run() {
  Impl& app = *impl_;
  app.service->models->preload([&app](const std::string& error) {
    app.service->failed = !error.empty();
    if (app.options.on_ready) app.options.on_ready(app.server->address(), error);
  });
  app.server->run();
}

void App::finish() {
  impl_->server->post([this] { impl_->stop(); });
}

std::string App::address() const {
  return impl_->server->address();
}

std::uint16_t App::port() const {
  return impl_->server->port();
}

}  // namespace sw
