#include "server/batching/admission.h"

#include <algorithm>

namespace helix::server {
namespace {

constexpr double kTimesFree = 8;  // what one may hold, of what is then free

struct Room {
  double requests, bytes;
};

/// Whether one that holds so much may have one more.
template <class Held>
bool leaves(const Room& free, const Held& held, std::size_t bytes) {
  return held.requests == 0 || (held.requests + 1 <= kTimesFree * free.requests &&
                                static_cast<double>(held.bytes + bytes) <= kTimesFree * free.bytes);
}

}  // namespace

void Ticket::release() {
  if (Admission* admission = std::exchange(admission_, nullptr)) admission->give_back(holder_);
}

Status Admission::fits_alone(std::size_t bytes) const {
  if (bytes > budget_.max_bytes)
    return resource_exhausted("request needs " + std::to_string(bytes) + " bytes of memory, limit " +
                              std::to_string(budget_.max_bytes) + " (queue.max_bytes" + budget_.suffix + ")");
  return wider_ != nullptr ? wider_->fits_alone(bytes) : Status();
}

Admission::Held Admission::held_by(const std::string& client) const {
  const auto found = clients_.find(client);
  return found == clients_.end() ? Held() : found->second;
}

Admission::Obstacle Admission::obstacle(const Applicant& applicant) const {
  if (all_.requests >= budget_.max_requests) return Obstacle::requests;
  if (all_.bytes > budget_.max_bytes || applicant.bytes > budget_.max_bytes - all_.bytes) return Obstacle::bytes;
  const double free = budget_.max_requests - all_.requests;
  const Room all{free, static_cast<double>(budget_.max_bytes - all_.bytes)};
  const Held& its_class = classes_[applicant.priority];
  if (applicant.priority == kInteractive)
    return leaves(all, held_by(applicant.client), applicant.bytes) ? Obstacle::none : Obstacle::client;
  if (!leaves(all, its_class, applicant.bytes)) return Obstacle::its_class;
  // what the class may still take: each place that it takes is one less that is free, too
  const Room in_class{(kTimesFree * all.requests - its_class.requests) / (kTimesFree + 1),
                      (kTimesFree * all.bytes - static_cast<double>(its_class.bytes)) / (kTimesFree + 1)};
  if (!leaves(in_class, held_by(applicant.client), applicant.bytes)) return Obstacle::client;
  return Obstacle::none;
}

Status Admission::room_for(const Applicant& applicant) const {
  const std::string requests = " (queue.max_requests" + budget_.suffix + "); try again later";
  switch (obstacle(applicant)) {
    case Obstacle::none:
      return {};
    case Obstacle::requests:
      return resource_exhausted("server is full: " + std::to_string(all_.requests) + " requests wait or run, limit " +
                                std::to_string(budget_.max_requests) + requests);
    case Obstacle::bytes:
      return resource_exhausted("server is full: " + std::to_string(all_.bytes) +
                                " bytes of requests wait or run, this one has " + std::to_string(applicant.bytes) +
                                ", limit " + std::to_string(budget_.max_bytes) + " (queue.max_bytes" + budget_.suffix +
                                "); try again later");
    case Obstacle::client:
      return resource_exhausted("server is nearly full, and " + std::to_string(held_by(applicant.client).requests) +
                                " of the requests that wait or run are of this client, \"" + applicant.client + "\"" +
                                requests);
    case Obstacle::its_class:
      return resource_exhausted("server is nearly full, and " + std::to_string(classes_[applicant.priority].requests) +
                                " of the requests that wait or run are of this class, " +
                                kPriorityNames[applicant.priority] + requests);
  }
  return {};
}

Status Admission::has_room(const Applicant& applicant) const {
  {
    const std::scoped_lock lock(mutex_);
    if (Status status = room_for(applicant); !status.ok()) return status;
  }
  return wider_ != nullptr ? wider_->has_room(applicant) : Status();
}

Status Admission::reserve(const Applicant& applicant, std::function<void()> when_room) {
  const std::scoped_lock lock(mutex_);
  if (Status status = room_for(applicant); !status.ok()) {
    if (when_room) waiting_.push_back({applicant, std::move(when_room)});
    return status;
  }
  clients_[applicant.client].add(applicant.bytes);
  classes_[applicant.priority].add(applicant.bytes);
  all_.add(applicant.bytes);
  return {};
}

Result<Ticket> Admission::admit(const Applicant& applicant, std::function<void()> when_room) {
  if (Status status = reserve(applicant, when_room); !status.ok()) return status;
  if (wider_ == nullptr) return Ticket(*this, applicant);
  if (Status status = wider_->reserve(applicant, std::move(when_room)); !status.ok()) {
    release(applicant);
    call_waiting();
    return status;
  }
  return Ticket(*this, applicant);
}

int Admission::requests() const {
  const std::scoped_lock lock(mutex_);
  return all_.requests;
}

std::size_t Admission::bytes() const {
  const std::scoped_lock lock(mutex_);
  return all_.bytes;
}

void Admission::release(const Applicant& holder) {
  const std::scoped_lock lock(mutex_);
  all_.take(holder.bytes);
  classes_[holder.priority].take(holder.bytes);
  const auto client = clients_.find(holder.client);
  client->second.take(holder.bytes);
  if (client->second.requests == 0) clients_.erase(client);
}

void Admission::give_back(const Applicant& holder) {
  release(holder);
  if (wider_ != nullptr) wider_->release(holder);
  call_waiting();
  if (wider_ != nullptr) wider_->call_waiting();
}

/// One thread at a time: who is called may give places back itself, and the loop sees them.
void Admission::call_waiting() {
  std::unique_lock lock(mutex_);
  if (std::exchange(calling_, true)) return;
  for (;;) {
    const auto next = std::find_if(waiting_.begin(), waiting_.end(), [this](const Waiting& waiting) {
      return obstacle(waiting.applicant) == Obstacle::none;
    });
    if (next == waiting_.end()) break;
    const std::function<void()> when_room = std::move(next->when_room);
    waiting_.erase(next);
    lock.unlock();
    when_room();
    lock.lock();
  }
  calling_ = false;
}

}  // namespace helix::server
