#include "clients/helixctl/progress.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace helix::helixctl {
namespace {

constexpr std::size_t kWidth = 30;
constexpr std::chrono::milliseconds kRedraw{100};

}  // namespace

std::string progress_bar(std::size_t done, std::size_t n_events, double seconds) {
  const std::size_t full = n_events > 0 ? kWidth * done / n_events : kWidth;
  char rate[64];
  std::snprintf(rate, sizeof rate, "%.1f events/s", seconds > 0 ? static_cast<double>(done) / seconds : 0.0);
  return "[" + std::string(full, '#') + std::string(kWidth - full, ' ') + "] " + std::to_string(done) + "/" +
         std::to_string(n_events) + " events, " + rate;
}

TerminalLine::TerminalLine() : terminal_(::isatty(STDERR_FILENO) != 0) {}

void TerminalLine::draw(const std::string& line) const {
  if (terminal_) std::cerr << "\r\033[K" << line << std::flush;
}

Progress::Progress(std::size_t n_events) : n_events_(n_events) { draw(); }

void Progress::advance(std::size_t n_events) {
  const std::lock_guard lock(mutex_);
  done_ += n_events;
  if (Clock::now() - drawn_ >= kRedraw || done_ == n_events_) draw();
}

void Progress::say(const std::string& line) {
  const std::lock_guard lock(mutex_);
  line_.draw("");
  std::cerr << line << "\n";
  draw();
}

void Progress::draw() {
  drawn_ = Clock::now();
  const double seconds = std::chrono::duration<double>(drawn_ - start_).count();
  line_.draw(progress_bar(done_, n_events_, seconds));
}

}  // namespace helix::helixctl
