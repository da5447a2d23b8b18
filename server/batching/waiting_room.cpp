#include "server/batching/waiting_room.h"

#include <algorithm>

namespace helix::server {
namespace {

constexpr int kMostSkips = 8;            // clients whose next does not fit, before a batch is called full
constexpr std::size_t kMostIdle = 1024;  // clients remembered though they have nothing waiting
constexpr int kMostCounted = 64;         // waiters looked at to see what goes before a deadline
constexpr double kCostOfRequest = 100;   // hits that any request counts for, so that empty ones are not free

constexpr double kCredit = 250'000;  // hits over weight that a client may have left unused, to use later

double charged(const RequestFacts& facts) { return facts.work.hits + kCostOfRequest; }

}  // namespace

bool WaitingRoom::Earlier::operator()(const Waiter* a, const Waiter* b) const {
  if (a->facts_.deadline != b->facts_.deadline) return a->facts_.deadline < b->facts_.deadline;
  return a->number_ < b->number_;
}

bool WaitingRoom::Turn::operator<(const Turn& other) const {
  if (served != other.served) return served < other.served;
  return Earlier()(first, other.first);
}

void WaitingRoom::add(Waiter& waiter, Clock::time_point now) {
  waiter.number_ = next_number_++;
  enter(waiter, waiter.facts_.priority, now);
}

void WaitingRoom::put_back(Waiter& waiter, Clock::time_point now) {
  Rank& rank = ranks_[waiter.rank_];
  Flow& flow = flow_of(rank, waiter.facts_.client);
  charge(rank, flow, -charged(waiter.facts_));
  enter(waiter, waiter.rank_, now);
}

void WaitingRoom::enter(Waiter& waiter, int number, Clock::time_point now) {
  const RequestFacts& facts = waiter.facts_;
  Rank& rank = ranks_[number];
  Flow& flow = flow_of(rank, facts.client);
  hide(rank, flow);
  flow.served = std::max(flow.served, rank.time - kCredit);
  flow.lines[facts.columns].insert(&waiter);
  flow.work += facts.work;
  show(rank, flow);
  waiter.rank_ = number;
  waiter.since_ = now;
  waiter.waits_ = true;
  rank.work += facts.work;
  rank.since.emplace(now, &waiter);
  by_arrival_.insert(&waiter);
  if (facts.deadline != Clock::time_point::max()) by_deadline_.emplace(facts.deadline, &waiter);
  work_ += facts.work;
  bytes_ += facts.bytes;
}

void WaitingRoom::leave(Waiter& waiter) {
  const RequestFacts& facts = waiter.facts_;
  Rank& rank = ranks_[waiter.rank_];
  Flow& flow = *rank.flows.at(facts.client);
  hide(rank, flow);
  const auto line = flow.lines.find(facts.columns);
  line->second.erase(&waiter);
  if (line->second.empty()) flow.lines.erase(line);
  flow.work -= facts.work;
  rank.work -= facts.work;
  rank.since.erase({waiter.since_, &waiter});
  by_arrival_.erase(&waiter);
  by_deadline_.erase({facts.deadline, &waiter});
  work_ -= facts.work;
  bytes_ -= facts.bytes;
  waiter.waits_ = false;
  show(rank, flow);
  if (by_arrival_.empty()) work_ = {};  // no rounding is carried along
}

void WaitingRoom::remove(Waiter& waiter) {
  if (!waiter.waits_) return;
  leave(waiter);
  forget_idle(ranks_[waiter.rank_]);
}

WaitingRoom::Flow& WaitingRoom::flow_of(Rank& rank, const std::string& client) {
  std::unique_ptr<Flow>& flow = rank.flows[client];
  if (!flow) {
    flow = std::make_unique<Flow>();
    flow->client = client;
    const auto weight = options_.weights.find(client);
    if (weight != options_.weights.end()) flow->weight = weight->second;
    flow->served = rank.time - kCredit;
    rank.idle.emplace(flow->served, flow.get());
  }
  return *flow;
}

/// Puts a client where its turn is: among those that wait, or among the idle.
void WaitingRoom::show(Rank& rank, Flow& flow) {
  if (flow.lines.empty()) {
    flow.work = {};
    rank.idle.emplace(flow.served, &flow);
    return;
  }
  rank.weights += flow.weight;
  for (auto& [columns, line] : flow.lines) rank.turns[columns].insert({flow.served, *line.begin(), &flow});
}

/// Undoes show, before anything that it looked at changes.
void WaitingRoom::hide(Rank& rank, Flow& flow) {
  if (flow.lines.empty()) {
    rank.idle.erase({flow.served, &flow});
    return;
  }
  rank.weights -= flow.weight;
  for (auto& [columns, line] : flow.lines) {
    const auto turns = rank.turns.find(columns);
    turns->second.erase({flow.served, *line.begin(), &flow});
    if (turns->second.empty()) rank.turns.erase(turns);
  }
}

void WaitingRoom::charge(Rank& rank, Flow& flow, double hits) {
  hide(rank, flow);
  flow.served += hits / flow.weight;
  show(rank, flow);
}

/// A client is remembered while it is ahead of the others; when nobody waits in a class there is nothing to be ahead
/// of.
void WaitingRoom::forget_idle(Rank& rank) {
  const bool over = rank.turns.empty();
  while (!rank.idle.empty() &&
         (over || rank.idle.begin()->first <= rank.time - kCredit || rank.idle.size() > kMostIdle)) {
    Flow* flow = rank.idle.begin()->second;
    rank.idle.erase(rank.idle.begin());
    rank.flows.erase(rank.flows.find(flow->client));
  }
  if (over) rank.time = rank.weights = 0, rank.work = {};
}

// Each request rises once a class, so all of this is O(log n) a request.
void WaitingRoom::promote(Clock::time_point now) {
  if (options_.ageing == Clock::duration::zero()) return;
  for (int number = kPriorities - 1; number > 0; --number) {
    Rank& rank = ranks_[number];
    while (!rank.since.empty() && rank.since.begin()->first + options_.ageing <= now) {
      Waiter& waiter = *rank.since.begin()->second;
      leave(waiter);
      forget_idle(rank);
      enter(waiter, number - 1, now);
    }
  }
}

WaitingRoom::Taken WaitingRoom::take(Clock::time_point now, const Judge& judge) {
  promote(now);
  Taken taken;
  std::uint32_t columns = 0;
  for (Rank& rank : ranks_) {
    bool full = false;
    while (!full && taken.batch.empty() && !rank.turns.empty()) {  // again where all of these columns were dropped
      const auto next = std::min_element(rank.turns.begin(), rank.turns.end(), [](const auto& a, const auto& b) {
        return *a.second.begin() < *b.second.begin();
      });
      columns = next->first;
      full = fill(rank, columns, judge, taken);
    }
    if (!full && !taken.batch.empty()) full = fill(rank, columns, judge, taken);
    forget_idle(rank);
    if (full) break;
  }
  return taken;
}

/// Whether the batch is full. Clients whose next does not fit are out of line until then; then they are first again.
bool WaitingRoom::fill(Rank& rank, std::uint32_t columns, const Judge& judge, Taken& taken) {
  std::vector<Flow*> skipped;
  bool full = false;
  for (auto turns = rank.turns.find(columns); !full && turns != rank.turns.end(); turns = rank.turns.find(columns)) {
    Flow& flow = *turns->second.begin()->flow;
    Waiter& next = **flow.lines.at(columns).begin();
    const bool first = taken.batch.empty();
    const Verdict verdict = judge(next);
    if (verdict == Verdict::drop) {
      leave(next);
      taken.dropped.push_back(&next);
      continue;
    }
    if (first || verdict == Verdict::take) {
      rank.time = std::max(rank.time, flow.served);
      leave(next);
      charge(rank, flow, charged(next.facts_));
      taken.batch.push_back(&next);
    }
    full = verdict == Verdict::full || (first && verdict == Verdict::skip);
    if (full || verdict == Verdict::take) continue;
    if (skipped.size() == kMostSkips) break;
    hide(rank, flow);
    skipped.push_back(&flow);
  }
  for (Flow* flow : skipped) show(rank, *flow);
  return full;
}

Waiter* WaitingRoom::take_expired(Clock::time_point now) {
  if (by_deadline_.empty() || by_deadline_.begin()->first > now) return nullptr;
  Waiter* waiter = by_deadline_.begin()->second;
  remove(*waiter);
  return waiter;
}

std::vector<Waiter*> WaitingRoom::take_all() {
  std::vector<Waiter*> all(by_arrival_.begin(), by_arrival_.end());
  for (Waiter* waiter : all) remove(*waiter);
  return all;
}

Work WaitingRoom::ahead_of(const RequestFacts& facts) const {
  Work before{};
  for (int number = 0; number < facts.priority; ++number) before += ranks_[number].work;
  const Rank& rank = ranks_[facts.priority];
  const auto found = rank.flows.find(facts.client);
  const Flow* flow = found == rank.flows.end() ? nullptr : found->second.get();
  // its own that go before it, as far as a look at the first of them tells
  Work own{};
  if (flow != nullptr && flow->lines.count(facts.columns) > 0) {
    int counted = 0;
    for (const Waiter* waiter : flow->lines.at(facts.columns)) {
      if (waiter->facts_.deadline > facts.deadline) break;
      if (++counted > kMostCounted) {
        own = flow->work;
        break;
      }
      own += waiter->facts_.work;
    }
  }
  // the others get their shares meanwhile
  const double weight = flow != nullptr ? flow->weight : 1;
  const double all = rank.weights + (flow == nullptr || flow->lines.empty() ? weight : 0);
  const double hits = std::min(rank.work.hits, (own.hits + facts.work.hits) * all / weight - facts.work.hits);
  const double part = rank.work.hits > 0 ? std::max(0.0, hits) / rank.work.hits : 0;
  return before + Work{rank.work.events * part, rank.work.hits * part, rank.work.pairs * part};
}

std::size_t WaitingRoom::clients() const {
  std::size_t n = 0;
  for (const Rank& rank : ranks_) n += rank.flows.size();
  return n;
}

}  // namespace helix::server
