// Any bytes as `serve --config`'s file: an Error that tells where, or settings within their bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 14) return 0;
  sw::AppOptions options;
  const auto status = sw::read_config(std::string_view(reinterpret_cast<const char*>(data), size), "file", options);
  if (!status) {
    if (status.error().what.empty() || !status.error().where.starts_with("file")) std::abort();
    return 0;
  }
  if (options.engine.max_queue < 1 || options.engine.max_sequences < 1 || options.engine.max_batch_tokens < 1 ||
      options.http.max_connections < 1 || options.http.max_body == 0 || options.http.idle_timeout.count() < 1)
    std::abort();
  for (const auto& key : options.http.keys)
    if (key.name.empty() || key.secret.size() < 8) std::abort();
  for (const auto& model : options.models)
    if (model.path.empty()) std::abort();
  return 0;
}
