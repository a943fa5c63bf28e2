#include "game/database.hpp"

namespace sw::game {

Result<std::unique_ptr<Database>> open_database(const std::string& setting) {
  if (setting.starts_with("postgresql://") || setting.starts_with("postgres://")) return open_postgres(setting);
  return open_sqlite(setting);
}

}  // namespace sw::game
