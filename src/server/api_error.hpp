#pragma once

#include <expected>
#include <string>

#include "base/error.hpp"
#include "server/http/message.hpp"

namespace sw {

/// Why a request is not answered, as its client is told.
struct ApiError {
  int status = 400;
  std::string message;
  std::string code = {};   ///< "model_not_found"; empty: none
  std::string param = {};  ///< the field at fault; empty: none
  double retry_after_s = 0;
};

template <class T>
using Api = std::expected<T, ApiError>;

http::Response to_response(const ApiError& error);

inline std::unexpected<ApiError> refuse(int status, std::string message, std::string code = {},
                                        std::string param = {}) {
  return std::unexpected(ApiError{status, std::move(message), std::move(code), std::move(param)});
}
/// What the client's own text or settings led to.
inline std::unexpected<ApiError> refuse(const Error& error, std::string param = {}) {
  return refuse(400, error.message(), "invalid_value", std::move(param));
}

}  // namespace sw
