#include "server/http/exchange.hpp"

#include <utility>

namespace sw::http {

Exchange::Exchange(Request request, std::function<void()> wake, std::size_t max_backlog)
    : request_(std::move(request)), wake_(std::move(wake)), max_backlog_(max_backlog) {}

std::shared_ptr<Exchange> Exchange::handle(std::shared_ptr<Exchange> exchange) {
  Exchange* raw = exchange.get();
  return {raw, [kept = std::move(exchange)](Exchange*) { kept->abandon(); }};
}

void Exchange::notify(std::unique_lock<std::mutex>& lock) {
  if (std::exchange(notified_, true)) return;
  lock.unlock();
  wake_();
}

void Exchange::respond(Response response) {
  std::unique_lock lock(mutex_);
  if (begun_ || closed_) return;
  begun_ = ended_ = true;
  pending_.head = std::move(response);
  pending_.ended = true;
  notify(lock);
}

void Exchange::begin(Response head) {
  std::unique_lock lock(mutex_);
  if (begun_ || closed_) return;
  begun_ = true;
  pending_.bytes = std::exchange(head.body, {});
  pending_.head = std::move(head);
  pending_.streamed = true;
  notify(lock);
}

void Exchange::write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  if (!begun_ || ended_ || closed_ || bytes.empty() || pending_.broken) return;
  if (pending_.bytes.size() + bytes.size() > max_backlog_) {
    pending_.broken = true;  // the connection closes, which tells the handler
    notify(lock);
    return;
  }
  pending_.bytes += bytes;
  notify(lock);
}

void Exchange::end() {
  std::unique_lock lock(mutex_);
  if (!begun_ || ended_ || closed_) return;
  ended_ = pending_.ended = true;
  notify(lock);
}

bool Exchange::begun() const {
  const std::scoped_lock lock(mutex_);
  return begun_;
}

void Exchange::abandon() {
  if (!begun()) return respond(error_response(500, "the request was dropped without an answer"));
  std::unique_lock lock(mutex_);
  if (ended_ || closed_) return;
  ended_ = pending_.broken = true;
  notify(lock);
}

void Exchange::on_close(std::function<void()> f) {
  std::unique_lock lock(mutex_);
  if (!closed_) {
    on_close_ = std::move(f);
    return;
  }
  lock.unlock();
  f();
}

bool Exchange::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

Exchange::Progress Exchange::take() {
  const std::scoped_lock lock(mutex_);
  notified_ = false;
  return std::exchange(pending_, {});
}

void Exchange::close() {
  std::unique_lock lock(mutex_);
  if (std::exchange(closed_, true)) return;
  pending_ = {};
  const auto f = std::exchange(on_close_, {});
  const bool early = !ended_;
  lock.unlock();
  if (f && early) f();
}

}  // namespace sw::http
