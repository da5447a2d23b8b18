#pragma once

#include <thread>

namespace helix::server {

/// Ends the process at once, by std::_Exit: nothing is destroyed, nobody is waited for.
[[noreturn]] void exit_now(int code);

/// While it lives, the process has so long to end by itself; then it ends with `code`. So no device, file or client
/// that does not answer can hold up the end for ever.
class EndWatch {
 public:
  explicit EndWatch(int code);

 private:
  std::jthread thread_;
};

}  // namespace helix::server
