#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

namespace helix::helixctl {

/// A line that changes on stderr, where stderr is a terminal; nothing in pipes.
class TerminalLine {
 public:
  TerminalLine();
  ~TerminalLine() { draw(""); }
  TerminalLine(const TerminalLine&) = delete;
  TerminalLine& operator=(const TerminalLine&) = delete;

  void draw(const std::string& line) const;

 private:
  const bool terminal_;
};

/// A bar on stderr while events are under way, where stderr is a terminal; nothing in pipes. Thread-safe.
class Progress {
 public:
  explicit Progress(std::size_t n_events);

  /// So many more events are done.
  void advance(std::size_t n_events);
  /// A line of its own above the bar, terminal or not.
  void say(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  void draw();

  const std::size_t n_events_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;  // guards what follows, and stderr
  const TerminalLine line_;
  std::size_t done_ = 0;
  Clock::time_point drawn_;
};

/// The bar as text: `[#####     ] 12/24 events, 3.1 events/s`
std::string progress_bar(std::size_t done, std::size_t n_events, double seconds);

}  // namespace helix::helixctl
