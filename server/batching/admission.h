#pragma once

#include "kernels/core/status.h"

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace helix::server {

/// What may wait and run at one time, all clients together.
struct AdmissionBudget {
  int max_requests = 256;
  std::size_t max_bytes = std::size_t{1} << 30;
  std::string suffix{};  // of the settings' names, for people: queue.max_requests + suffix
};

class Admission;

/// A place within the budget, given back when this goes away.
class Ticket {
 public:
  Ticket() = default;
  Ticket(Ticket&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)), bytes_(other.bytes_) {}
  Ticket& operator=(Ticket&& other) noexcept {
    std::swap(admission_, other.admission_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Ticket() { release(); }

  void release();
  std::size_t bytes() const { return bytes_; }

 private:
  friend class Admission;
  Ticket(Admission& admission, std::size_t bytes) : admission_(&admission), bytes_(bytes) {}

  Admission* admission_ = nullptr;
  std::size_t bytes_ = 0;
};

/// The budget of requests and bytes that wait or run, perhaps within a wider one. Thread-safe; outlives its tickets.
class Admission {
 public:
  /// `wider`: the budget of all pipelines together, which outlives this; null: none.
  explicit Admission(AdmissionBudget budget, Admission* wider = nullptr) : budget_(std::move(budget)), wider_(wider) {}

  /// Whether a request of this size is let in when nothing else is there.
  /// errors: resource_exhausted, which no waiting cures
  Status fits_alone(std::size_t bytes) const;

  /// errors: resource_exhausted, which passes when others are done: `when_room`, where there is one, is then called
  /// once, as soon as a place is given back, by the thread that gives it back, with no lock held
  Result<Ticket> admit(std::size_t bytes, std::function<void()> when_room = {});

  const AdmissionBudget& budget() const { return budget_; }

  int requests() const;
  std::size_t bytes() const;

 private:
  friend class Ticket;
  using Waiting = std::vector<std::function<void()>>;
  Status room_for(std::size_t bytes) const;
  Status reserve(std::size_t bytes, std::function<void()> when_room);
  Waiting release(std::size_t bytes);
  void give_back(std::size_t bytes);

  const AdmissionBudget budget_;
  Admission* const wider_;
  mutable std::mutex mutex_;  // guards all below
  Waiting when_room_;
  int requests_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace helix::server
