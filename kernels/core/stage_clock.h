#pragma once

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

namespace helix {

/// Adds up the time of named stages, in the order they first ran.
class StageClock {
 public:
  struct Row {
    const char* stage;
    std::chrono::nanoseconds time;
  };

  void begin(const char* stage) {
    const auto now = std::chrono::steady_clock::now();
    if (current_ != nullptr) add(current_, now - since_);
    current_ = stage;
    since_ = now;
  }
  void end() { begin(nullptr); }
  void clear() { rows_.clear(), current_ = nullptr; }
  const char* current() const { return current_ == nullptr ? "batch" : current_; }
  const std::vector<Row>& rows() const { return rows_; }

  void add(const char* stage, std::chrono::nanoseconds time) {
    for (Row& row : rows_)
      if (std::strcmp(row.stage, stage) == 0) {
        row.time += time;
        return;
      }
    rows_.push_back({stage, time});
  }

 private:
  std::vector<Row> rows_;
  const char* current_ = nullptr;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace helix
