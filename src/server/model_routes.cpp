#include <fmt/core.h>

#include <utility>

#include "server/completion_request.hpp"
#include "server/model_json.hpp"
#include "server/service.hpp"

namespace sw {
namespace {

using ServicePtr = std::shared_ptr<Service>;

http::Response json_response(const Json& json) {
  http::Response response;
  response.body = dump(json);
  return response;
}

http::Response list_models(const Service& service) {
  Json list = Json::array();
  for (const Models::Info& info : service.models->list()) list.push_back(model_json(info));
  return json_response({{"object", "list"}, {"data", std::move(list)}});
}

http::Response get_model(const Service& service, const std::string& name) {
  const auto info = service.models->find(name);
  if (!info) return to_response({404, fmt::format("there is no model '{}' here", name), "model_not_found", "model", 0});
  return json_response(model_json(*info));
}

Api<Json> tokenize(const Json& body, const ServedModel& model) {
  Fields fields(body);
  std::string content;
  EncodeOptions options{.add_special = false, .parse_special = true};
  bool with_pieces = false;
  fields.read("content", content);
  fields.read("add_special", options.add_special);
  fields.read("parse_special", options.parse_special);
  fields.read("with_pieces", with_pieces);
  SW_TRY(fields.status());
  const Json* messages = fields.find("messages");
  if ((messages != nullptr) == (fields.find("content") != nullptr))
    return refuse(400, "one of content and messages is needed", "missing_field", "content");
  std::vector<TokenId> tokens;
  if (messages) {
    Chat chat;
    SW_ASSIGN(chat.messages, read_messages(*messages));
    SW_ASSIGN(tokens, model.chat_tokens(chat));
  } else {
    auto encoded = model.tokenizer().encode(content, options);
    if (!encoded) return refuse(encoded.error(), "content");
    tokens = std::move(*encoded);
  }
  Json out = {{"tokens", tokens}, {"count", tokens.size()}, {"context", model.engine().context()}};
  if (with_pieces) {
    out["pieces"] = Json::array();
    for (const TokenId token : tokens) out["pieces"].push_back(model.tokenizer().piece(token));
  }
  return out;
}

Api<Json> detokenize(const Json& body, const ServedModel& model) {
  Fields fields(body);
  bool keep_special = true;
  fields.read("keep_special", keep_special);
  SW_TRY(fields.status());
  const Json* list = fields.find("tokens");
  if (!list) return refuse(400, "tokens is missing", "missing_field", "tokens");
  SW_ASSIGN(const std::vector<TokenId> tokens, read_tokens(*list, "tokens"));
  auto text = model.tokenizer().decode(tokens, keep_special);
  if (!text) return refuse(text.error(), "tokens");
  return Json{{"content", *text}};
}

/// A route that needs a model in memory and answers at once.
http::Route on_model(const ServicePtr& service, const char* path, bool needs_name,
                     std::function<Api<Json>(const Json&, const ServedModel&)> respond) {
  const auto handler = [=](http::ExchangePtr exchange) {
    auto body = parse_body(exchange->request().body);
    if (!body) return exchange->respond(to_response(body.error()));
    std::string model;
    Fields fields(*body);
    fields.read("model", model);
    if (const auto status = fields.status(); !status) return exchange->respond(to_response(status.error()));
    if (needs_name && model.empty())
      return exchange->respond(to_response({400, "model is missing", "missing_field", "model", 0}));
    service->models->acquire(model, [=, request = std::move(*body)](Api<std::shared_ptr<ServedModel>> ready) {
      if (!ready) return exchange->respond(to_response(ready.error()));
      const auto answer = respond(request, **ready);
      exchange->respond(answer ? json_response(*answer) : to_response(answer.error()));
    });
  };
  return {"POST", path, handler, http::Access::key, http::Where::worker};
}

void unload(const ServicePtr& service, const http::ExchangePtr& exchange) {
  const auto body = parse_body(exchange->request().body);
  if (!body) return exchange->respond(to_response(body.error()));
  std::string model;
  Fields fields(*body);
  fields.read("model", model);
  if (const auto status = fields.status(); !status) return exchange->respond(to_response(status.error()));
  if (model.empty()) return exchange->respond(to_response({400, "model is missing", "missing_field", "model", 0}));
  service->models->unload(model, [=](const Api<void>& done) {
    exchange->respond(done ? get_model(*service, model) : to_response(done.error()));
  });
}

}  // namespace

void mount_models(http::Router& router, const ServicePtr& service) {
  using http::Access;
  using http::Where;
  router.add({"GET", "/v1/models", http::answer_with([=](const http::Request&) { return list_models(*service); }),
              Access::key, Where::io});
  router.add({"GET", "/v1/models/{model...}",
              http::answer_with([=](const http::Request& request) { return get_model(*service, request.parameter); }),
              Access::key, Where::io});
  router.add(on_model(service, "/tokenize", false, tokenize));
  router.add(on_model(service, "/detokenize", false, detokenize));
  router.add(on_model(service, "/models/load", true, [=](const Json&, const ServedModel& model) -> Api<Json> {
    const auto info = service->models->find(model.name());
    return info ? model_json(*info) : Json::object();
  }));
  router.add({"POST", "/models/unload", [=](http::ExchangePtr exchange) { unload(service, exchange); }, Access::key,
              Where::worker});
}

}  // namespace sw
