#pragma once

#include "kernels/core/status.h"
#include "server/batching/request_facts.h"

#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace helix::server {

/// What may wait and run at one time, all clients together.
struct AdmissionBudget {
  int max_requests = 256;
  std::size_t max_bytes = std::size_t{1} << 30;
  std::string suffix{};  // of the settings' names, for people: queue.max_requests + suffix
};

class Admission;

/// Whose request asks for a place.
struct Applicant {
  std::string client{};
  int priority = kNormal;
  std::size_t bytes = 0;
};

/// A place within the budget, given back when this goes away.
class Ticket {
 public:
  Ticket() = default;
  Ticket(Ticket&& other) noexcept
      : admission_(std::exchange(other.admission_, nullptr)), holder_(std::move(other.holder_)) {}
  Ticket& operator=(Ticket&& other) noexcept {
    std::swap(admission_, other.admission_);
    std::swap(holder_, other.holder_);
    return *this;
  }
  ~Ticket() { release(); }

  void release();
  std::size_t bytes() const { return holder_.bytes; }

 private:
  friend class Admission;
  Ticket(Admission& admission, Applicant holder) : admission_(&admission), holder_(std::move(holder)) {}

  Admission* admission_ = nullptr;
  Applicant holder_;
};

/// The budget of requests and bytes that wait or run, perhaps within a wider one. Who has much of it leaves room for
/// others: a class below interactive gets no more than eight times what is then still free, and a client no more than
/// eight times what its class may then still take (dynamic thresholds: A. K. Choudhury and E. L. Hahne, IEEE/ACM Trans.
/// Networking 6 (1998) 130). So a class alone has eight ninths and a client alone four fifths, and who has nothing
/// there finds a place, however much others send. Thread-safe; outlives its tickets.
class Admission {
 public:
  /// `wider`: the budget of all pipelines together, which outlives this; null: none.
  explicit Admission(AdmissionBudget budget, Admission* wider = nullptr) : budget_(std::move(budget)), wider_(wider) {}

  /// Whether a request of this size is let in when nothing else is there.
  /// errors: resource_exhausted, which no waiting cures
  Status fits_alone(std::size_t bytes) const;

  /// Whether there is a place at this moment. errors: as admit
  Status has_room(const Applicant& applicant) const;

  /// errors: resource_exhausted, which passes when others are done: `when_room`, where there is one, is then called
  /// once, when a place is there for this applicant, by the thread that gave it back, with no lock held. Those who wait
  /// are called in the order in which they came.
  Result<Ticket> admit(const Applicant& applicant, std::function<void()> when_room = {});

  const AdmissionBudget& budget() const { return budget_; }

  int requests() const;
  std::size_t bytes() const;

 private:
  friend class Ticket;
  struct Held {
    int requests = 0;
    std::size_t bytes = 0;
    void add(std::size_t more) { ++requests, bytes += more; }
    void take(std::size_t less) { --requests, bytes -= less; }
  };
  struct Waiting {
    Applicant applicant;
    std::function<void()> when_room;
  };

  enum class Obstacle { none, requests, bytes, client, its_class };
  Obstacle obstacle(const Applicant& applicant) const;
  Status room_for(const Applicant& applicant) const;
  Held held_by(const std::string& client) const;
  Status reserve(const Applicant& applicant, std::function<void()> when_room);
  void release(const Applicant& holder);
  void give_back(const Applicant& holder);
  void call_waiting();

  const AdmissionBudget budget_;
  Admission* const wider_;
  mutable std::mutex mutex_;  // guards all below
  Held all_;
  Held classes_[kPriorities];
  std::unordered_map<std::string, Held> clients_;  // that hold something
  std::list<Waiting> waiting_;
  bool calling_ = false;  // a thread is at call_waiting
};

}  // namespace helix::server
