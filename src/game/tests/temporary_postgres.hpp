#pragma once

#include <memory>
#include <string>

namespace sw::game {

/// A PostgreSQL server of its own for a test: a fresh cluster in a temporary folder, reached by a Unix socket, gone
/// with the object.
class TemporaryPostgres {
 public:
  /// None where PostgreSQL is not installed or cannot run here; `why_not` says so.
  static std::unique_ptr<TemporaryPostgres> start(std::string& why_not);
  ~TemporaryPostgres();

  /// "postgresql://…"
  const std::string& address() const { return address_; }

 private:
  TemporaryPostgres() = default;
  std::string folder_, control_, address_;
};

}  // namespace sw::game
