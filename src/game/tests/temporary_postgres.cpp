#include "temporary_postgres.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace sw::game {
namespace {

namespace fs = std::filesystem;

/// Where Debian keeps initdb and pg_ctl, the newest version first.
std::string programs() {
  std::string newest;
  std::error_code error;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", error))
    if (fs::exists(version.path() / "bin" / "initdb")) newest = std::max(newest, (version.path() / "bin").string());
  return newest;
}

/// The server refuses to run as root, so root lends it the user that its package has made.
bool run(const std::string& command) {
  const std::string as_user = ::geteuid() == 0 ? fmt::format("su postgres -s /bin/sh -c \"{}\"", command) : command;
  return std::system((as_user + " >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace

std::unique_ptr<TemporaryPostgres> TemporaryPostgres::start(std::string& why_not) {
  const std::string bin = programs();
  if (bin.empty()) {
    why_not = "PostgreSQL is not installed";
    return nullptr;
  }
  std::string folder = "/tmp/speedwins-postgres-XXXXXX";  // short: a socket's path has at most 107 bytes
  if (!::mkdtemp(folder.data())) {
    why_not = "no temporary folder";
    return nullptr;
  }
  fs::permissions(folder, fs::perms::all);
  auto server = std::unique_ptr<TemporaryPostgres>(new TemporaryPostgres);
  server->folder_ = folder;
  server->control_ = fmt::format("{}/pg_ctl -D {}/data -m immediate -w", bin, folder);
  server->address_ = fmt::format("postgresql:///postgres?host={}&user=speedwins", folder);
  const bool running =
      run(fmt::format("{}/initdb -D {}/data -U speedwins -A trust --no-sync", bin, folder)) &&
      run(fmt::format("{} -l {}/log -o '-k {} -c listen_addresses= -F' start", server->control_, folder, folder));
  if (running) return server;
  why_not = "PostgreSQL is installed, but a server cannot be started here";
  return nullptr;
}

TemporaryPostgres::~TemporaryPostgres() {
  run(control_ + " stop");
  std::error_code error;
  fs::remove_all(folder_, error);
}

}  // namespace sw::game
