#include "server/ask.hpp"

#include <future>
#include <utility>

#include "server/answer.hpp"

namespace sw {
namespace {

using ModelPtr = std::shared_ptr<ServedModel>;

Error as_error(const ApiError& error) {
  return {error.message, "the served model", {}, {}};
}

/// What the engine brings of one request. Shared with its sink, which may outlive whoever waits.
struct Waiting {
  std::string text;
  std::promise<Finish> finished;
};

}  // namespace

Result<Asked> ask(Models& models, const std::string& question, const AskOptions& options) {
  const auto end = std::chrono::steady_clock::now() + options.limit;
  auto loaded = std::make_shared<std::promise<Api<ModelPtr>>>();
  auto ready = loaded->get_future();
  models.acquire("", [loaded](Api<ModelPtr> model) { loaded->set_value(std::move(model)); });
  if (ready.wait_until(end) != std::future_status::ready)
    return fail("it is still being loaded", "the served model", {}, "Try again in a moment");
  const Api<ModelPtr> model = ready.get();
  if (!model) return std::unexpected(as_error(model.error()));

  Chat chat;
  chat.messages.push_back({{"role", "user"}, {"content", question}});
  auto prompt = (*model)->chat_tokens(chat);
  if (!prompt) return std::unexpected(as_error(prompt.error()));
  Request request;
  request.prompt = std::move(*prompt);
  request.max_tokens = options.max_tokens;
  request.sampling.temperature = options.temperature;
  request.priority = -1;
  request.deadline = end;
  auto waiting = std::make_shared<Waiting>();
  auto finished = waiting->finished.get_future();
  const auto submitted = (*model)->engine().submit(std::move(request), [waiting](Output&& output) {
    waiting->text += output.text;
    if (output.done) waiting->finished.set_value(output.finish.value_or(Finish{}));
  });
  if (!submitted) return std::unexpected(submitted.error().error);
  const Finish finish = finished.get();  // at the latest when the deadline has passed
  if (const auto error = error_of(finish)) return std::unexpected(as_error(*error));
  return Asked{std::move(waiting->text), (*model)->name()};
}

}  // namespace sw
