#pragma once

#include "clients/cpp/client.h"
#include "test/support/temp_folder.h"

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace helix::wire_test {

/// The program helixd as a process of its own, on a free port. Killed with this object.
class HelixdProcess {
 public:
  /// Starts it with these flags beside those of the test: port, port file.
  explicit HelixdProcess(const std::vector<std::string>& flags);
  ~HelixdProcess();

  /// Waits until it is ready: "127.0.0.1:PORT", or empty if it ended or took too long.
  std::string address();
  void signal(int number) const;
  /// Exit code, when it ends within 60 s.
  std::optional<int> wait();
  /// What it wrote to both of its outputs so far.
  std::string output() const;

 private:
  bool ended();

  TempFolder folder_;
  pid_t pid_;
  std::optional<int> exit_code_;
};

/// For a daemon that may be slow.
inline ClientOptions client_options(const std::string& address) {
  ClientOptions options;
  options.address = address;
  options.connect_timeout = std::chrono::seconds(60);
  return options;
}

}  // namespace helix::wire_test
