#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "commands.hpp"
#include "game_server.hpp"
#include "load.hpp"
#include "server/app.hpp"
#include "server/config.hpp"
#include "state/disk_store.hpp"

namespace sw {
namespace {

/// Stands for usual_cache_folder(), which is only looked for where nothing else was said.
constexpr const char* usual_cache = "usual";

struct ServeFlags {
  std::vector<std::string> models, origins, names;
  std::string config, host, certificate, key, api_key, cache_folder, game_store;
  int port = 0, threads = 0, context = 0, queue = 0, sequences = 0;
  KvType kv_type = default_kv_type;
  std::uint64_t cache_mb = 0;
  bool open_browser = false, log = false, game_sandbox = false, game_experiments = false;
  CLI::App* command = nullptr;

  bool has(const char* flag) const { return command->get_option(flag)->count() > 0; }
};

/// Where prompts are kept that were read, unless told otherwise; empty where this user has no such place.
std::filesystem::path usual_cache_folder() {
  const auto folder = default_cache_folder();
  std::error_code error;
  if (folder) std::filesystem::create_directories(*folder, error);
  if (folder && !error && ::access(folder->c_str(), W_OK) == 0) return *folder;
  fmt::print(stderr, "Prompts are kept in memory only: {}\n",
             folder ? fmt::format("{} cannot be written", folder->string()) : folder.error().message());
  return {};
}

/// What the flags and the environment say goes over what the file says.
Result<AppOptions> options_of(const ServeFlags& flags) {
  AppOptions options;
  options.engine.cache_folder = usual_cache;
  if (!flags.config.empty()) SW_TRY(read_config(flags.config, options));
  if (!flags.models.empty()) {
    options.models.clear();
    for (const std::string& model : flags.models) options.models.push_back(model_config_of(model));
  }
  for (ModelConfig& model : options.models) {
    if (flags.has("--ctx")) model.context = flags.context;
    if (flags.has("--kv")) model.kv_type = flags.kv_type;
  }
  for (std::size_t i = 0; i < options.models.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (options.models[i].name == options.models[k].name)
        return fail(fmt::format("two models are called '{}'", options.models[i].name), "serve", "different names",
                    "Write NAME=MODEL");
  if (flags.has("--host")) options.http.host = flags.host;
  if (flags.has("--port")) options.http.port = static_cast<std::uint16_t>(flags.port);
  if (flags.has("--threads")) options.n_threads = flags.threads;
  if (flags.has("--tls-cert")) options.http.tls_certificate = flags.certificate;
  if (flags.has("--tls-key")) options.http.tls_key = flags.key;
  if (flags.has("--api-key")) options.http.keys.push_back({"default", flags.api_key, {}});
  if (flags.has("--cors")) options.http.origins = flags.origins;
  if (flags.has("--name")) options.http.names = flags.names;
  if (flags.has("--queue")) options.engine.max_queue = flags.queue;
  if (flags.has("--sequences")) options.engine.max_sequences = flags.sequences;
  if (flags.has("--cache-folder")) options.engine.cache_folder = flags.cache_folder;
  if (flags.has("--cache-mb")) options.engine.cache_bytes = flags.cache_mb << 20;
  if (options.engine.cache_folder == "none") options.engine.cache_folder.clear();
  if (options.engine.cache_folder == usual_cache)
    options.engine.cache_folder = options.engine.prefix_cache ? usual_cache_folder() : "";
  return options;
}

/// Shows a page in the user's browser, where there is a desktop. The page is not worth an error.
void open_browser(const std::string& address) {
  if (!std::getenv("DISPLAY") && !std::getenv("WAYLAND_DISPLAY")) return;
  const std::string command = "xdg-open '" + address + "/' >/dev/null 2>&1 &";
  [[maybe_unused]] const int status = std::system(command.c_str());  // NOLINT: the address is our own
}

void log_answer(const http::Request& request, int status, double ms) {
  fmt::print(stderr, "{} {} {} {} {:.1f} ms\n", request.client, request.method, request.path, status, ms);
}

/// Whether players may have this machine measure: unless told, where nobody but its own user can be one.
bool may_measure(const ServeFlags& flags, const http::ServerOptions& http) {
  if (flags.has("--game-experiments")) return flags.game_experiments;
  return http.names.empty() && (http.host == "127.0.0.1" || http.host == "::1" || http.host == "localhost");
}

Result<Report> serve(const ServeFlags& flags, bool json) {
  SW_ASSIGN(AppOptions options, options_of(flags));
  if (flags.log) options.http.on_answer = log_answer;
  options.catch_signals = true;
  SW_ASSIGN(options.mount, open_game_server(flags.game_store, {.sandbox = flags.game_sandbox,
                                                               .experiments = may_measure(flags, options.http)}));
  std::string failure;
  std::unique_ptr<App> app;
  options.on_ready = [&](const std::string& address, const std::string& error) {
    if (!error.empty()) {
      failure = error;
      return app->finish();
    }
    fmt::print(json ? stderr : stdout, "Speed Wins is ready at {0}/  (API: {0}/v1, Ctrl-C ends it)\n", address);
    std::fflush(stdout);
    if (flags.open_browser) open_browser(address);
  };
  SW_ASSIGN(app, App::create(std::move(options)));
  fmt::print(stderr, "Loading…\n");
  app->run();
  if (!failure.empty()) return fail(failure);
  return Report{.json = {{"address", app->address()}}, .text = {}};
}

}  // namespace

void add_serve_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand("serve", "Serve models over HTTP: OpenAI's API, and a page to try them");
  flags->command = command;
  command->add_option("MODEL", flags->models, "Models to serve, or NAME=MODEL (default: demo, or the file's)")
      ->envname("SPEEDWINS_MODELS")
      ->delimiter(',');
  command->add_option("--config", flags->config, "A TOML file with any of the settings")
      ->envname("SPEEDWINS_CONFIG")
      ->check(CLI::ExistingFile);
  command->add_option("--host", flags->host, "Address to listen at (default: 127.0.0.1; 0.0.0.0: all)")
      ->envname("SPEEDWINS_HOST");
  command->add_option("--port", flags->port, "Port (default: 8080; 0: a free one)")
      ->envname("SPEEDWINS_PORT")
      ->check(CLI::Range(0, 65535));
  command->add_option("-t,--threads", flags->threads, "Threads that compute (default: one per hardware thread)")
      ->envname("SPEEDWINS_THREADS")
      ->check(CLI::Range(1, 1024));
  command->add_option("--ctx", flags->context, "Positions of context of each model")->check(CLI::Range(2, 1 << 24));
  add_kv_flag(*command, flags->kv_type);
  command->add_option("--api-key", flags->api_key, "Key that clients must send; more of them in the file")
      ->envname("SPEEDWINS_API_KEY");
  command->add_option("--tls-cert", flags->certificate, "Certificate chain (PEM), for https")
      ->envname("SPEEDWINS_TLS_CERT");
  command->add_option("--tls-key", flags->key, "The certificate's key (PEM)")->envname("SPEEDWINS_TLS_KEY");
  command->add_option("--cors", flags->origins, "Origin whose pages may ask; * for all (default: none)");
  command->add_option("--name", flags->names, "A host name this server is reached under, behind a proxy");
  command->add_option("--queue", flags->queue, "Requests that may wait (default: 256); more get 429")
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--sequences", flags->sequences, "Answers computed together (default: 64)")
      ->check(CLI::Range(1, 4096));
  command
      ->add_option("--cache-folder", flags->cache_folder,
                   "Where read prompts are kept, warm after a restart (default: ~/.cache/speedwins/prefixes; none: in "
                   "memory only)")
      ->envname("SPEEDWINS_CACHE_FOLDER");
  command->add_option("--cache-mb", flags->cache_mb, "The most they take there (default: 8192)")
      ->envname("SPEEDWINS_CACHE_MB")
      ->check(CLI::Range(1, 1 << 24));
  command->add_option("--game-store", flags->game_store, "Where games are kept: an SQLite file or postgresql://…")
      ->envname("SPEEDWINS_GAME_STORE");
  command
      ->add_flag("--game-sandbox", flags->game_sandbox,
                 "In the game, ask the served model what combinations that yield nothing could become")
      ->envname("SPEEDWINS_GAME_SANDBOX");
  command
      ->add_flag("--game-experiments,!--no-game-experiments", flags->game_experiments,
                 "In the game, measure on this machine what its challenges ask, one at a time (default: where only "
                 "this machine can connect)")
      ->envname("SPEEDWINS_GAME_EXPERIMENTS");
  command->add_flag("--open", flags->open_browser, "Show the page in the browser");
  command->add_flag("--log", flags->log, "A line on standard error for each answer");
  command->footer(
      "Examples:\n"
      "  speedwins serve demo\n"
      "  speedwins serve small=qwen2.5-0.5b.gguf large=qwen2.5-7b.gguf --port 9000\n"
      "  speedwins serve --config speedwins.toml\n"
      "  curl http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: application/json' \\\n"
      "    -d '{\"messages\": [{\"role\": \"user\", \"content\": \"What is a KV cache?\"}]}'\n"
      "\n"
      "Listens on this machine only, unless --host says otherwise; then give it --api-key and --tls-cert.\n"
      "SIGTERM ends it after the answers in progress. What it serves: http://127.0.0.1:8080/openapi.json");
  on_command(*command, context, [flags, &context] {
    if (flags->models.empty() && flags->config.empty()) flags->models = {"demo"};
    return serve(*flags, context.json);
  });
}

}  // namespace sw
