#include "server/api_error.hpp"

#include <algorithm>
#include <cmath>

namespace sw {

http::Response to_response(const ApiError& error) {
  http::Response response = http::error_response(error.status, error.message, error.code, error.param);
  if (error.status == 429 || error.status == 503)
    response.headers.push_back(
        {"Retry-After", std::to_string(std::clamp(static_cast<int>(std::ceil(error.retry_after_s)), 1, 3600))});
  return response;
}

}  // namespace sw
