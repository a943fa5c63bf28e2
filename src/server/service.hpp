#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "server/http/router.hpp"
#include "server/metrics.hpp"
#include "server/models.hpp"

namespace sw {

/// What handlers share.
struct Service {
  std::shared_ptr<Models> models;
  std::shared_ptr<Metrics> metrics;
  std::function<void(std::function<void()>)> work;  ///< runs a function on a worker
  std::function<int()> connections;
  std::atomic<bool> stopping{false}, failed{false};
};

/// /v1/chat/completions, /v1/completions, /v1/embeddings.
void mount_generation(http::Router& router, const std::shared_ptr<Service>& service);
/// /v1/models, /models/load, /models/unload, /tokenize, /detokenize.
void mount_models(http::Router& router, const std::shared_ptr<Service>& service);
/// /health, /ready, /stats, /metrics, /openapi.json.
void mount_operation(http::Router& router, const std::shared_ptr<Service>& service);
/// The page, below /.
void mount_page(http::Router& router);

/// The API's contract, as /openapi.json gives it.
std::string_view openapi_document();

}  // namespace sw
