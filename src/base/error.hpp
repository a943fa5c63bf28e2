#pragma once

#include <expected>
#include <string>
#include <utility>

namespace sw {

/// Why an operation on outside data failed, in terms its user can act on.
/// Empty fields are left out when printed.
struct Error {
  std::string what;      ///< what was wrong: "tensor 'blk.0.attn_q.weight' ends past the end of the file"
  std::string where;     ///< what was read, and where in it: "model.gguf, byte 4096"
  std::string expected;  ///< what would have been right: "at most 1048576 bytes"
  std::string next;      ///< what the user can do: "download the file again"

  /// One line: "where: what (expected …). next"
  std::string message() const;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(std::string what, std::string where = {}, std::string expected = {},
                                   std::string next = {}) {
  return std::unexpected<Error>(Error{std::move(what), std::move(where), std::move(expected), std::move(next)});
}

}  // namespace sw

#define SW_CONCAT_(a, b) a##b
#define SW_CONCAT(a, b) SW_CONCAT_(a, b)

/// Returns the error of `expr` (a Status) from the enclosing function.
#define SW_TRY(expr)                                                                                  \
  do {                                                                                                \
    if (auto sw_status_ = (expr); !sw_status_) return std::unexpected(std::move(sw_status_).error()); \
  } while (false)

/// SW_ASSIGN(auto x, expr): x = the value of `expr` (a Result), or its error is returned.
#define SW_ASSIGN(declaration, expr) SW_ASSIGN_(SW_CONCAT(sw_result_, __LINE__), declaration, expr)
#define SW_ASSIGN_(result, declaration, expr)                     \
  auto result = (expr);                                           \
  if (!result) return std::unexpected(std::move(result).error()); \
  declaration = std::move(*result)
