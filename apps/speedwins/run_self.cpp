#include "run_self.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "formats/json.hpp"

namespace sw {
namespace {

constexpr double longest_run = 300;  ///< seconds
constexpr std::size_t largest_output = 4u << 20;
constexpr const char* where = "the measurement";

/// A running program in a process group of its own, so that Ctrl-C reaches only the one who started it.
class Child {
 public:
  static Result<Child> start(const std::vector<std::string>& arguments) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return failed(errno);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);  // a server's connections are not its
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::vector<char*> argv{const_cast<char*>("speedwins")};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    ::close(pipe[1]);
    if (error != 0) {
      ::close(pipe[0]);
      return failed(error);
    }
    return Child(pid, pipe[0]);
  }

  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), output_(std::exchange(other.output_, -1)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (output_ >= 0) ::close(output_);
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    wait();
  }

  int output() const { return output_; }
  void wait() {
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
    pid_ = 0;
  }

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}
  static std::unexpected<Error> failed(int error) {
    return fail(fmt::format("it cannot be started: {}", std::strerror(error)), where);
  }

  pid_t pid_;
  int output_;
};

}  // namespace

Result<nlohmann::json> run_self(const std::vector<std::string>& arguments, const GoOn& go_on) {
  // Right after the command's name: what follows a "--" would be B's.
  std::vector<std::string> all = arguments;
  all.insert(all.begin() + (all.empty() ? 0 : 1), "--json");
  SW_ASSIGN(Child child, Child::start(all));
  const auto begin = std::chrono::steady_clock::now();
  std::string text;
  while (true) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!go_on(seconds)) return fail("it was stopped", where, {}, "Nothing was counted; measure again when you like");
    if (seconds > longest_run) return fail("it takes too long", where, {}, "Measure when the machine is less busy");
    pollfd ready{child.output(), POLLIN, 0};
    if (::poll(&ready, 1, 100) <= 0) continue;
    std::array<char, 65536> buffer{};
    const ssize_t n = ::read(child.output(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > largest_output) return fail("it prints too much", where);
  }
  child.wait();
  SW_ASSIGN(nlohmann::json document, parse_json(text, where));
  if (const auto error = document.find("error"); error != document.end() && error->is_object())
    return fail(error->value("what", "it failed"), where, {}, error->value("next", ""));
  return document;
}

}  // namespace sw
