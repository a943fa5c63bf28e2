#include "server/delivery.hpp"

#include <utility>

namespace sw {

Sink Delivery::sink(std::shared_ptr<Receiver> receiver, int part) {
  return [self = shared_from_this(), receiver = std::move(receiver), part](Output&& output) {
    const bool urgent = output.finish.has_value() || output.done;
    {
      const std::scoped_lock lock(self->mutex_);
      self->items_.push_back({receiver, part, std::move(output), std::chrono::steady_clock::now()});
    }
    if (urgent) self->flush();
  };
}

void Delivery::flush() {
  {
    const std::scoped_lock lock(mutex_);
    if (posted_ || items_.empty()) return;
    posted_ = true;
  }
  post_([self = shared_from_this()] { self->deliver(); });
}

void Delivery::deliver() {
  std::vector<Item> items;
  {
    const std::scoped_lock lock(mutex_);
    posted_ = false;
    items.swap(items_);
  }
  for (Item& item : items) item.receiver->receive(item.part, std::move(item.output), item.at);
}

}  // namespace sw
