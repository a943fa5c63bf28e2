#include <fmt/core.h>

#include <thread>
#include <utility>

#include "measure/stopwatch.hpp"
#include "server/chat_answer.hpp"
#include "server/completion_answer.hpp"
#include "server/embeddings_answer.hpp"
#include "server/service.hpp"

namespace sw {
namespace {

using ServicePtr = std::shared_ptr<Service>;
using ModelPtr = std::shared_ptr<ServedModel>;

/// Gets the model and goes on with it on a worker; what `go_on` returns as an error is the answer.
template <class GoOn>
void with_model(const ServicePtr& service, const http::ExchangePtr& exchange, const std::string& model, GoOn go_on) {
  const auto answer = [exchange, service](const Api<void>& outcome) {
    if (outcome) return;
    if (outcome.error().status == 429) service->metrics->rejected();
    exchange->respond(to_response(outcome.error()));
  };
  if (service->stopping) return answer(refuse(503, "the server is stopping", "stopping"));
  auto shared = std::make_shared<GoOn>(std::move(go_on));
  const auto thread = std::this_thread::get_id();
  service->models->acquire(model, [=](Api<ModelPtr> ready) {
    if (!ready) return answer(std::unexpected(std::move(ready.error())));
    if (std::this_thread::get_id() == thread) return answer((*shared)(std::move(*ready)));
    service->work([=, loaded = std::move(*ready)] { answer((*shared)(loaded)); });
  });
}

AnswerContext context_of(const ServicePtr& service, const http::ExchangePtr& exchange, ModelPtr model,
                         double tokenize_ms) {
  return {exchange, std::move(model), service->metrics, tokenize_ms};
}

/// The part of a request that only the server knows.
void finish_request(Request& request, const GenerationFields& fields, const http::Request& http) {
  request.client = http.client;
  if (fields.timeout_ms > 0)
    request.deadline = http.received + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                           std::chrono::duration<double, std::milli>(fields.timeout_ms));
}

Api<void> check_prompt(const std::vector<TokenId>& prompt, const ServedModel& model, std::string_view param) {
  if (prompt.empty()) return refuse(400, fmt::format("{} has no tokens", param), "empty_prompt", std::string(param));
  const int context = model.engine().context();
  if (std::ssize(prompt) >= context)
    return refuse(400,
                  fmt::format("{} has {} tokens; the model's context is {} with room for an answer", param,
                              prompt.size(), context),
                  "context_length_exceeded", std::string(param));
  for (const TokenId token : prompt)
    if (token < 0 || token >= model.tokenizer().vocab_size())
      return refuse(400,
                    fmt::format("{} has the token {}; the vocabulary ends at {}", param, token,
                                model.tokenizer().vocab_size() - 1),
                    "invalid_value", std::string(param));
  return {};
}

/// A ban of tokens that the vocabulary does not have is a mistake worth telling.
Api<void> check_bias(const Request& request, const ServedModel& model) {
  for (const auto& [token, bias] : request.sampling.logit_bias)
    if (token >= model.tokenizer().vocab_size())
      return refuse(400,
                    fmt::format("logit_bias has the token {}; the vocabulary ends at {}", token,
                                model.tokenizer().vocab_size() - 1),
                    "invalid_value", "logit_bias");
  return {};
}

Api<void> chat(const ServicePtr& service, const http::ExchangePtr& exchange, ChatRequest& asked, ModelPtr model) {
  Request& request = asked.common.request;
  const Stopwatch stopwatch;
  SW_ASSIGN(request.prompt, model->chat_tokens(asked.chat));
  const double tokenize_ms = stopwatch.ms();
  SW_TRY(check_prompt(request.prompt, *model, "messages"));
  SW_TRY(check_bias(request, *model));
  SW_ASSIGN(request.constraint, model->constraint_of(asked.chat.tools, asked.tool_choice, asked.parallel_tool_calls));
  if (!request.constraint) {
    SW_ASSIGN(request.constraint, model->constraint_of(asked.common.response_format));
  }
  finish_request(request, asked.common, exchange->request());
  auto answer = std::make_shared<ChatAnswer>(context_of(service, exchange, std::move(model), tokenize_ms), asked);
  std::vector<Request> parts;
  parts.push_back(std::move(request));
  answer->submit(std::move(parts));
  return {};
}

Api<std::vector<TokenId>> tokens_of(const Prompt& prompt, const Tokenizer& tokenizer, std::string_view param) {
  if (const auto* tokens = std::get_if<std::vector<TokenId>>(&prompt)) return *tokens;
  auto tokens = tokenizer.encode(std::get<std::string>(prompt));
  if (!tokens) return refuse(tokens.error(), std::string(param));
  return std::move(*tokens);
}

/// The text that echo repeats.
Api<std::string> text_of(const Prompt& prompt, const Tokenizer& tokenizer) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  auto text = tokenizer.decode(std::get<std::vector<TokenId>>(prompt), true);
  if (!text) return refuse(text.error(), "prompt");
  return std::move(*text);
}

Api<void> complete(const ServicePtr& service, const http::ExchangePtr& exchange, CompletionRequest& asked,
                   ModelPtr model) {
  Request& request = asked.common.request;
  const Tokenizer& tokenizer = model->tokenizer();
  const Stopwatch stopwatch;
  SW_TRY(check_bias(request, *model));
  SW_ASSIGN(request.constraint, model->constraint_of(asked.common.response_format));
  finish_request(request, asked.common, exchange->request());
  std::vector<Request> parts;
  std::vector<std::string> echoes;
  int prompt_tokens = 0;
  for (std::size_t i = 0; i < asked.prompts.size(); ++i) {
    const std::string param = asked.prompts.size() == 1 ? "prompt" : fmt::format("prompt[{}]", i);
    SW_ASSIGN(std::vector<TokenId> tokens, tokens_of(asked.prompts[i], tokenizer, param));
    SW_TRY(check_prompt(tokens, *model, param));
    prompt_tokens += static_cast<int>(tokens.size());
    if (asked.echo) {
      SW_ASSIGN(std::string text, text_of(asked.prompts[i], tokenizer));
      echoes.push_back(std::move(text));
    }
    parts.push_back(request);
    parts.back().prompt = std::move(tokens);
    parts.back().sampling.seed += i * static_cast<std::size_t>(request.n);
  }
  const bool is_empty = request.max_tokens == 0;
  auto answer = std::make_shared<CompletionAnswer>(context_of(service, exchange, std::move(model), stopwatch.ms()),
                                                   asked, std::move(echoes));
  if (is_empty)
    answer->answer_empty(prompt_tokens);
  else
    answer->submit(std::move(parts));
  return {};
}

Api<void> embed(const ServicePtr& service, const http::ExchangePtr& exchange, EmbeddingsRequest& asked,
                ModelPtr model) {
  const Stopwatch stopwatch;
  std::vector<Request> parts;
  for (std::size_t i = 0; i < asked.inputs.size(); ++i) {
    const std::string param = asked.inputs.size() == 1 ? "input" : fmt::format("input[{}]", i);
    Request request;
    request.kind = RequestKind::embed;
    SW_ASSIGN(request.prompt, tokens_of(asked.inputs[i], model->tokenizer(), param));
    SW_TRY(check_prompt(request.prompt, *model, param));
    request.client = exchange->request().client;
    parts.push_back(std::move(request));
  }
  std::make_shared<EmbeddingsAnswer>(context_of(service, exchange, std::move(model), stopwatch.ms()), asked)
      ->submit(std::move(parts));
  return {};
}

/// A route whose body `read` understands and `answer` answers.
template <class Read, class Respond>
http::Route route(const ServicePtr& service, const char* path, Read read, Respond respond) {
  const auto handler = [=](http::ExchangePtr exchange) {
    auto body = parse_body(exchange->request().body);
    if (!body) return exchange->respond(to_response(body.error()));
    auto asked = read(*body);
    if (!asked) return exchange->respond(to_response(asked.error()));
    const std::string model = [&] {
      if constexpr (requires { asked->common; })
        return asked->common.model;
      else
        return asked->model;
    }();
    with_model(service, exchange, model, [=, request = std::move(*asked)](ModelPtr ready) mutable {
      return respond(service, exchange, request, std::move(ready));
    });
  };
  return {"POST", path, handler, http::Access::key, http::Where::worker};
}

}  // namespace

void mount_generation(http::Router& router, const ServicePtr& service) {
  router.add(route(service, "/v1/chat/completions", read_chat_request, chat));
  router.add(route(service, "/v1/completions", read_completion_request, complete));
  router.add(route(service, "/v1/embeddings", read_embeddings_request, embed));
}

}  // namespace sw
