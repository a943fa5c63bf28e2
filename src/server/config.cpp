#include "server/config.hpp"

#include <fmt/core.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/file.hpp"

namespace sw {
namespace {

/// Reads the keys of one table; what is left at the end is unknown.
class Table {
 public:
  Table(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  void read(std::string_view key, std::string& value) { read_as<std::string>(key, value, "a string"); }
  void read(std::string_view key, bool& value) { read_as<bool>(key, value, "true or false"); }
  void read(std::string_view key, double& value, double min, double max) {
    double number = value;
    if (read_as<double>(key, number, "a number")) in_range(key, number, min, max) ? void(value = number) : void();
  }
  template <class Integer>
  void read_integer(std::string_view key, Integer& value, std::int64_t min, std::int64_t max) {
    std::int64_t number = 0;
    if (read_as<std::int64_t>(key, number, "a whole number") &&
        in_range(key, static_cast<double>(number), static_cast<double>(min), static_cast<double>(max)))
      value = static_cast<Integer>(number);
  }
  void read_megabytes(std::string_view key, std::size_t& bytes) {
    std::size_t megabytes = 0;
    read_integer(key, megabytes, 1, 1 << 24);
    if (megabytes > 0) bytes = megabytes << 20;
  }
  void read_seconds(std::string_view key, std::chrono::milliseconds& time) {
    double seconds = static_cast<double>(time.count()) / 1e3;
    read(key, seconds, 0.001, 1e6);
    time = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1e3));
  }
  void read(std::string_view key, std::vector<std::string>& values) {
    known_.push_back(key);
    const toml::node* node = table_.get(key);
    if (!node) return;
    if (!node->is_array()) return wrong(key, "a list of strings");
    std::vector<std::string> list;
    for (const toml::node& item : *node->as_array()) {
      const auto text = item.value_exact<std::string>();
      if (!text) return wrong(key, "a list of strings");
      list.push_back(*text);
    }
    values = std::move(list);
  }
  /// Calls f(Table) for a table, or for each of an array of tables.
  template <class F>
  void each(std::string_view key, F&& f) {
    known_.push_back(key);
    const toml::node* node = table_.get(key);
    if (!node || error_) return;
    const auto visit = [&](const toml::node& one, const std::string& where) {
      if (!one.is_table()) return wrong(key, "a table");
      Table inner(*one.as_table(), where);
      f(inner);
      if (auto status = inner.finish(); !status && !error_) error_ = status.error();
    };
    const std::string here = fmt::format("{}, [{}]", where_, key);
    if (node->is_table()) return visit(*node, here);
    if (!node->is_array()) return wrong(key, "a table");
    for (std::size_t i = 0; i < node->as_array()->size(); ++i)
      visit((*node->as_array())[i], fmt::format("{}, [[{}]] number {}", where_, key, i + 1));
  }
  void wrong(std::string_view key, std::string expected) {
    if (!error_) error_ = Error{fmt::format("'{}' is not right", key), where_, std::move(expected), {}};
  }
  Status finish() const {
    if (error_) return std::unexpected(*error_);
    for (const auto& [key, value] : table_)
      if (std::find(known_.begin(), known_.end(), key.str()) == known_.end())
        return fail(fmt::format("there is no setting '{}'", key.str()), where_, {}, "Compare deploy/speedwins.toml");
    return {};
  }

 private:
  template <class T>
  bool read_as(std::string_view key, T& value, const char* expected) {
    known_.push_back(key);
    const toml::node* node = table_.get(key);
    if (!node) return false;
    // Exactly: toml++ 3.3 converts a number with a point to a whole one before it looks whether that can be.
    const auto found = std::is_same_v<T, double> ? node->value<T>() : node->value_exact<T>();
    if (!found) {
      wrong(key, expected);
      return false;
    }
    value = *found;
    return true;
  }
  bool in_range(std::string_view key, double number, double min, double max) {
    if (number >= min && number <= max) return true;
    wrong(key, fmt::format("from {} to {}", min, max));
    return false;
  }

  const toml::table& table_;
  const std::string where_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

void read_limits_of_client(Table& table, http::Limits& limits) {
  table.read("requests_per_minute", limits.requests_per_minute, 0, 1e9);
  table.read_integer("concurrent", limits.concurrent, 0, 1 << 20);
}

void read_model(Table& table, AppOptions& options) {
  std::string path, name;
  table.read("path", path);
  table.read("name", name);
  if (path.empty()) return table.wrong("path", "a file, a folder, a pulled name or demo");
  ModelConfig config = model_config_of(path);
  if (!name.empty()) config.name = name;
  table.read("aliases", config.aliases);
  table.read_integer("context", config.context, 2, 1 << 24);
  std::string kv(sw::name(config.kv_type));
  table.read("kv", kv);
  const std::optional<KvType> kv_type = kv_type_named(kv);
  if (!kv_type) return table.wrong("kv", "f16, bf16, f32, q8 or q4");
  config.kv_type = *kv_type;
  table.read_megabytes("state_mb", config.state_bytes);
  table.read("preload", config.preload);
  table.read("keep_warm_s", config.keep_warm_s, -1, 1e9);
  options.models.push_back(std::move(config));
}

void read_server(Table& table, AppOptions& options) {
  http::ServerOptions& http = options.http;
  table.read("host", http.host);
  table.read_integer("port", http.port, 0, 65535);
  table.read_integer("threads", options.n_threads, 0, 1024);
  table.read("names", http.names);
  table.read("cors", http.origins);
  table.read_seconds("drain_s", options.drain_limit);
  table.each("tls", [&](Table& tls) {
    tls.read("certificate", http.tls_certificate);
    tls.read("key", http.tls_key);
  });
  table.each("limits", [&](Table& limits) {
    limits.read_integer("queue", options.engine.max_queue, 1, 1 << 20);
    limits.read_integer("sequences", options.engine.max_sequences, 1, 4096);
    limits.read_integer("batch_tokens", options.engine.max_batch_tokens, 1, 1 << 16);
    limits.read_integer("connections", http.max_connections, 1, 1 << 20);
    limits.read_megabytes("body_mb", http.max_body);
    limits.read_megabytes("bodies_mb", http.max_bodies);
    limits.read_seconds("idle_s", http.idle_timeout);
    limits.read_seconds("header_s", http.header_timeout);
    limits.read_seconds("body_s", http.body_timeout);
    limits.read_seconds("write_s", http.write_timeout);
    read_limits_of_client(limits, http.anonymous);
  });
  table.each("cache", [&](Table& cache) {
    std::string folder = options.engine.cache_folder.string();
    std::size_t bytes = options.engine.cache_bytes;
    cache.read("prefixes", options.engine.prefix_cache);
    cache.read("folder", folder);
    cache.read_megabytes("mb", bytes);
    options.engine.cache_folder = folder;
    options.engine.cache_bytes = bytes;
  });
  table.each("keys", [&](Table& keys) {
    http::ApiKey key;
    keys.read("name", key.name);
    keys.read("secret", key.secret);
    read_limits_of_client(keys, key.limits);
    if (key.name.empty()) return keys.wrong("name", "what logs and limits call it");
    if (key.secret.size() < 8) return keys.wrong("secret", "at least 8 characters");
    http.keys.push_back(std::move(key));
  });
  table.each("models", [&](Table& model) { read_model(model, options); });
}

}  // namespace

Status read_config(const std::filesystem::path& path, AppOptions& options) {
  SW_ASSIGN(const std::string text, read_text_file(path, 1 << 20));
  return read_config(text, path.string(), options);
}

Status read_config(std::string_view toml, const std::string& where, AppOptions& options) {
  try {
    const toml::table parsed = toml::parse(toml);
    Table root(parsed, where);
    read_server(root, options);
    return root.finish();
  } catch (const toml::parse_error& error) {
    return fail(fmt::format("is not TOML: {}", error.description()),
                fmt::format("{}, line {}", where, error.source().begin.line));
  }
}

ModelConfig model_config_of(const std::string& argument) {
  ModelConfig config;
  config.path = argument;
  std::error_code ignored;
  if (const auto equals = argument.find('='); equals != std::string::npos && equals > 0 &&
                                              equals + 1 < argument.size() &&
                                              !std::filesystem::exists(argument, ignored)) {
    config.name = argument.substr(0, equals);
    config.path = argument.substr(equals + 1);
    return config;
  }
  const std::filesystem::path path(argument);
  config.name = std::filesystem::exists(path, ignored)
                    ? (path.has_filename() ? path : path.parent_path()).filename().string()
                    : argument;
  if (config.name.ends_with(".gguf")) config.name.resize(config.name.size() - 5);
  return config;
}

}  // namespace sw
