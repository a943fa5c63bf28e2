#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/json_body.hpp"
#include "serving/request.hpp"

namespace sw {

/// What /v1/chat/completions and /v1/completions have in common.
struct GenerationFields {
  std::string model;  ///< empty: the first one
  bool stream = false;
  bool include_usage = false;
  bool has_seed = false;
  double timeout_ms = 0;  ///< 0: none
  Request request;        ///< all but the prompt and the constraint
  std::optional<Json> response_format;
};

/// A seed of its own is drawn where the request has none.
Api<GenerationFields> read_generation_fields(const Json& body);

}  // namespace sw
