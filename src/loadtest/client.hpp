#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "loadtest/target.hpp"

namespace sw::loadtest {

/// What one request brought; times in milliseconds since it was sent.
struct ClientAnswer {
  double ttft_ms = 0, total_ms = 0;
  std::vector<double> gaps_ms;  ///< between the events that brought text
  int tokens = 0;
  std::string text;  ///< of an answer that was not streamed
};

/// One user of a server, who waits for each answer before asking again, over one connection: for comparisons of single
/// requests. Load is run_load()'s.
class Client {
 public:
  /// An Error where the host cannot be found.
  static Result<Client> create(const LoadTarget& target, double timeout_s = 60);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// An Error says why there was no answer, and what to do; so does one ended early by `cancel`.
  Result<ClientAnswer> ask(const LoadPrompt& prompt, const std::atomic<bool>* cancel = nullptr);

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sw::loadtest
