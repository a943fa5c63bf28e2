#pragma once

#include "server/json_body.hpp"
#include "server/models.hpp"

namespace sw {

/// A model as /v1/models shows it.
Json model_json(const Models::Info& info);

}  // namespace sw
