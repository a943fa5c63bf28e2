#pragma once

#include <mutex>
#include <optional>

#include "base/error.hpp"

namespace sw {

/// The first failure of work that several threads share.
class FirstError {
 public:
  void set(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
  }
  /// Once all threads are done.
  Status status() const {
    if (error_) return std::unexpected(*error_);
    return {};
  }

 private:
  std::mutex mutex_;
  std::optional<Error> error_;
};

}  // namespace sw
