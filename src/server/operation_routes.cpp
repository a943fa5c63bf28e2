#include <utility>

#include "server/service.hpp"

namespace sw {
namespace {

http::Response text_response(int status, std::string body, std::string content_type = "application/json") {
  http::Response response;
  response.status = status;
  response.content_type = std::move(content_type);
  response.body = std::move(body);
  return response;
}

http::Response ready(const Service& service) {
  const char* status = service.stopping                   ? "stopping"
                       : service.failed                   ? "failed"
                       : !service.models->all_preloaded() ? "loading"
                                                          : "ready";
  http::Response response =
      text_response(status == std::string_view("ready") ? 200 : 503, std::string(R"({"status":")") + status + "\"}");
  if (response.status == 503) response.headers.push_back({"Retry-After", "1"});
  return response;
}

}  // namespace

void mount_operation(http::Router& router, const std::shared_ptr<Service>& service) {
  using http::Access;
  using http::answer_with;
  using http::Request;
  using http::Where;
  router.add({"GET", "/health", answer_with([](const Request&) { return text_response(200, R"({"status":"ok"})"); }),
              Access::open, Where::io});
  router.add({"GET", "/ready", answer_with([=](const Request&) { return ready(*service); }), Access::open, Where::io});
  router.add({"GET", "/stats", answer_with([=](const Request&) {
                return text_response(200, service->metrics->stats_json(*service->models, service->connections()));
              }),
              Access::key, Where::io});
  router.add({"GET", "/metrics", answer_with([=](const Request&) {
                return text_response(200, service->metrics->prometheus_text(*service->models, service->connections()),
                                     "text/plain; version=0.0.4; charset=utf-8");
              }),
              Access::key, Where::io});
  router.add({"GET", "/openapi.json", answer_with([](const Request&) {
                http::Response response;
                response.fixed_body = openapi_document();
                return response;
              }),
              Access::open, Where::io});
}

}  // namespace sw
