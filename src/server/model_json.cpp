#include "server/model_json.hpp"

#include <ctime>

namespace sw {

Json model_json(const Models::Info& info) {
  static const std::time_t created = std::time(nullptr);
  Json json = {{"id", info.config.name},
               {"object", "model"},
               {"created", created},
               {"owned_by", "speedwins"},
               {"state", name(info.state)},
               {"context", info.model ? info.model->engine().context() : 0},
               {"keep_warm", info.config.keep_warm_s < 0},
               {"error", info.error.empty() ? Json(nullptr) : Json(info.error)}};
  if (info.model) {
    json["parameters"] = info.model->parameters();
    json["weights_bytes"] = info.model->weights_bytes();
    json["chat"] = info.model->can_chat();
  }
  return json;
}

}  // namespace sw
