#include "loadtest/target.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "formats/json.hpp"
#include "formats/utf8.hpp"
#include "hub/http_client.hpp"

namespace sw::loadtest {
namespace {

constexpr std::string_view chat_path = "/chat/completions", completions_path = "/completions";

std::string body(const LoadTarget& target, const LoadPrompt& prompt) {
  nlohmann::ordered_json body{{"model", target.model}};
  if (target.chat) {
    auto& messages = body["messages"] = nlohmann::ordered_json::array();
    for (const auto& [role, content] : prompt.messages) messages.push_back({{"role", role}, {"content", content}});
  } else {
    std::string text;
    for (const LoadMessage& message : prompt.messages) text += (text.empty() ? "" : "\n") + message.content;
    body["prompt"] = std::move(text);
  }
  if (prompt.max_tokens > 0) body["max_tokens"] = prompt.max_tokens;
  if (target.greedy) body["temperature"] = 0;
  if (target.ignore_eos) body["ignore_eos"] = true;
  body["stream"] = target.stream;
  if (target.stream) body["stream_options"] = {{"include_usage", true}};
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

Result<Url> endpoint_url(std::string_view text, bool& chat) {
  const bool has_scheme = text.starts_with("http://") || text.starts_with("https://");
  SW_ASSIGN(Url url, Url::parse(has_scheme ? std::string(text) : "http://" + std::string(text)));
  while (url.target.size() > 1 && url.target.ends_with('/')) url.target.pop_back();
  if (url.target.ends_with(chat_path)) {
    chat = true;
  } else if (url.target.ends_with(completions_path)) {
    chat = false;
  } else {
    if (url.target == "/") url.target = "/v1";
    url.target += chat ? chat_path : completions_path;
  }
  return url;
}

Result<std::string> first_model(const LoadTarget& target) {
  HttpRequest request{.url = target.url, .token = target.api_key, .stall_timeout = std::chrono::seconds(5)};
  const std::string_view path = target.chat ? chat_path : completions_path;
  request.url.target.resize(request.url.target.size() - path.size());
  request.url.target += "/models";
  const std::string where = request.url.text();
  const char* next = "Name the model with --model";

  std::string text;
  HttpSink sink;
  sink.on_header = [](const HttpHeader&) { return Status(); };
  sink.on_body = [&](std::string_view bytes) -> Status {
    if (text.size() + bytes.size() > 1 << 20) return fail("the list of models is larger than 1 MiB", where, {}, next);
    text += bytes;
    return {};
  };
  SW_ASSIGN(const HttpHeader header, http_get(request, sink));
  if (header.status == 401 || header.status == 403)
    return fail(fmt::format("the server answered HTTP {}", header.status), where, {},
                "Give its key with --api-key-file");
  if (header.status != 200)
    return fail(fmt::format("the server answered HTTP {}", header.status), where, "a list of models", next);
  const auto json = parse_json(text, where);
  if (json && json->is_object() && json->contains("data") && (*json)["data"].is_array())
    for (const auto& model : (*json)["data"])
      if (model.is_object() && model.contains("id") && model["id"].is_string()) return model["id"].get<std::string>();
  return fail("the server lists no models: " + in_quotes(text), where, "an OpenAI-compatible server", next);
}

std::string request_text(const LoadTarget& target, const LoadPrompt& prompt) {
  const Url& url = target.url;
  const bool usual_port = url.port == (url.tls ? "443" : "80");
  const bool ipv6 = url.host.find(':') != std::string::npos;
  const std::string text = body(target, prompt);
  std::string out = fmt::format("POST {} HTTP/1.1\r\nHost: {}{}{}{}{}\r\n", url.target, ipv6 ? "[" : "", url.host,
                                ipv6 ? "]" : "", usual_port ? "" : ":", usual_port ? "" : url.port);
  out += "User-Agent: speedwins\r\nContent-Type: application/json\r\n";
  out += target.stream ? "Accept: text/event-stream\r\n" : "Accept: application/json\r\n";
  if (!target.api_key.empty()) out += "Authorization: Bearer " + target.api_key + "\r\n";
  out += fmt::format("Content-Length: {}\r\n\r\n", text.size());
  return out + text;
}

}  // namespace sw::loadtest
