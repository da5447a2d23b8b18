#pragma once

#include "server/batching/request.h"

#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace helix::server {

/// Counts calls under way, and lets no more in once it is closed. Thread-safe.
class Gate {
 public:
  /// Keeps the gate's count up while it lives.
  class Pass {
   public:
    Pass() = default;
    explicit Pass(Gate& gate) : gate_(&gate) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    Gate* gate_ = nullptr;
  };

  /// An empty pass when the gate is closed.
  Pass enter();
  void close();
  /// Whether nobody was left inside at the deadline; gives up early when `stop` is requested.
  bool wait_empty(Clock::time_point deadline, const std::stop_token& stop);
  int inside() const;

 private:
  void leave();

  mutable std::mutex mutex_;  // guards inside_, closed_
  std::condition_variable_any left_;
  int inside_ = 0;
  bool closed_ = false;
};

}  // namespace helix::server
