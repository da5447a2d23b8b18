#pragma once

#include "server/batching/request_facts.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace helix::server {

class WaitingRoom;

/// Someone who can wait in the room: a request, or a modelled one.
class Waiter {
 public:
  explicit Waiter(RequestFacts facts) : facts_(std::move(facts)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  const RequestFacts& facts() const { return facts_; }

  /// Whether a lane was lost with it: it may be why, so nobody runs beside it again.
  bool suspect() const { return suspect_; }
  /// Whether a lane was lost with it before; notes that one was now.
  bool lost_again() { return std::exchange(suspect_, true); }

 protected:
  ~Waiter() = default;

 private:
  friend class WaitingRoom;
  RequestFacts facts_;
  std::uint64_t number_ = 0;   // in order of arrival; kept by one that is put back. 0: never waited
  int rank_ = 0;               // class now: ageing lifts it
  Clock::time_point since_{};  // in this class
  bool waits_ = false;
  bool suspect_ = false;
};

/// Shares between clients, by name; 1 for who is not named.
using ClientWeights = std::map<std::string, double>;

struct RoomOptions {
  ClientWeights weights{};
  Clock::duration ageing = std::chrono::seconds(10);  // a class up for each such time waited; 0: never
};

/// Who waits, and who is next. By class; within a class a fair share of hits for each client (start-time fair queueing:
/// the client whose hits over weight are least is next, and one that asked for less than its share may ask for a little
/// more later); within a client the earliest deadline, then arrival.
///
/// Every operation takes O(log n). Owns nobody. Not thread-safe; knows no clock.
class WaitingRoom {
 public:
  explicit WaitingRoom(RoomOptions options) : options_(std::move(options)) {}

  void add(Waiter& waiter, Clock::time_point now);
  /// As if it had never been taken: at its old place, and its hits off its client's account.
  void put_back(Waiter& waiter, Clock::time_point now);
  void remove(Waiter& waiter);

  enum class Verdict { take, skip, full, drop };
  /// Whether the next in line joins the batch; skip: others may still fit beside it; drop: it is not to wait any
  /// longer.
  using Judge = std::function<Verdict(const Waiter&)>;

  struct Taken {
    std::vector<Waiter*> batch{}, dropped{};
  };
  /// Takes who is next, unless the judge drops it, and those behind in line with the same columns whom it accepts.
  Taken take(Clock::time_point now, const Judge& judge);

  /// Takes one whose deadline has passed, or null.
  Waiter* take_expired(Clock::time_point now);

  /// Takes all, in order of arrival.
  std::vector<Waiter*> take_all();

  bool empty() const { return by_arrival_.empty(); }
  std::size_t size() const { return by_arrival_.size(); }
  const Work& work() const { return work_; }
  std::size_t bytes() const { return bytes_; }
  bool any(int priority) const { return !ranks_[priority].since.empty(); }
  /// Whose deadline is first, or null where nobody has one.
  const Waiter* most_urgent() const { return by_deadline_.empty() ? nullptr : by_deadline_.begin()->second; }
  /// Who has waited longest, or null.
  const Waiter* oldest() const { return empty() ? nullptr : *by_arrival_.begin(); }

  /// What is computed before a request with these facts, if fair shares and deadlines alone decide: never more than all
  /// that waits in its class and those before.
  Work ahead_of(const RequestFacts& facts) const;

  /// Clients that are remembered, in all classes.
  std::size_t clients() const;

 private:
  struct Earlier {
    bool operator()(const Waiter* a, const Waiter* b) const;
  };
  struct ByArrival {
    bool operator()(const Waiter* a, const Waiter* b) const { return a->number_ < b->number_; }
  };
  using Line = std::set<Waiter*, Earlier>;

  /// What one client has waiting in one class.
  struct Flow {
    std::string client;
    double weight = 1;
    double served = 0;  // hits over weight, in the class's virtual time
    Work work{};
    std::map<std::uint32_t, Line> lines;  // by columns; none is empty
  };
  /// A client's place among the others with the same columns.
  struct Turn {
    double served;
    const Waiter* first;
    Flow* flow;
    bool operator<(const Turn& other) const;
  };
  struct Rank {
    double time = 0;  // virtual: `served` of who was last taken
    Work work{};
    double weights = 0;  // of the clients that wait
    std::unordered_map<std::string, std::unique_ptr<Flow>> flows{};
    std::map<std::uint32_t, std::set<Turn>> turns{};          // by columns; none is empty
    std::set<std::pair<double, Flow*>> idle{};                // have nothing waiting, but more than their share served
    std::set<std::pair<Clock::time_point, Waiter*>> since{};  // longest in this class first
  };

  void enter(Waiter& waiter, int rank, Clock::time_point now);
  void leave(Waiter& waiter);
  void charge(Rank& rank, Flow& flow, double hits);
  void promote(Clock::time_point now);
  void forget_idle(Rank& rank);
  Flow& flow_of(Rank& rank, const std::string& client);
  static void show(Rank& rank, Flow& flow);
  static void hide(Rank& rank, Flow& flow);
  Waiter* first_of(Rank& rank, std::uint32_t columns);
  bool fill(Rank& rank, std::uint32_t columns, const Judge& judge, Taken& taken);

  const RoomOptions options_;
  Rank ranks_[kPriorities];
  std::set<Waiter*, ByArrival> by_arrival_;
  std::set<std::pair<Clock::time_point, Waiter*>> by_deadline_;
  Work work_{};
  std::size_t bytes_ = 0;
  std::uint64_t next_number_ = 1;
};

}  // namespace helix::server
