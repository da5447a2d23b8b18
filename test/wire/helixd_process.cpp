#include "test/wire/helixd_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace helix::wire_test {
namespace {

constexpr std::chrono::milliseconds kStep{10};
constexpr int kSteps = 6000;  // a minute

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

pid_t spawn(std::vector<std::string> arguments, const std::string& output) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, pointers[0], &files, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) throw std::runtime_error("cannot start " + arguments[0]);
  return pid;
}

}  // namespace

HelixdProcess::HelixdProcess(const std::vector<std::string>& flags) {
  std::vector<std::string> arguments = {
      HELIXD, "--listen", "127.0.0.1:0", "--exatrkx-models=", "--http-listen=", "--port-file", folder_ / "port"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  pid_ = spawn(std::move(arguments), folder_ / "output");
}

HelixdProcess::~HelixdProcess() {
  if (ended()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string HelixdProcess::address() {
  for (int i = 0; i < kSteps && !ended(); ++i) {
    const std::string port = text_of(folder_ / "port");
    if (!port.empty()) return "127.0.0.1:" + port.substr(0, port.find('\n'));
    std::this_thread::sleep_for(kStep);
  }
  return "";
}

void HelixdProcess::signal(int number) const { kill(pid_, number); }

std::optional<int> HelixdProcess::wait() {
  for (int i = 0; i < kSteps && !ended(); ++i) std::this_thread::sleep_for(kStep);
  return exit_code_;
}

std::string HelixdProcess::output() const { return text_of(folder_ / "output"); }

bool HelixdProcess::ended() {
  int status = 0;
  if (!exit_code_ && waitpid(pid_, &status, WNOHANG) == pid_)
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_.has_value();
}

}  // namespace helix::wire_test
