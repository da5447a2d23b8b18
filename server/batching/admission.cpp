#include "server/batching/admission.h"

namespace helix::server {

void Ticket::release() {
  if (Admission* admission = std::exchange(admission_, nullptr)) admission->give_back(bytes_);
}

Status Admission::fits_alone(std::size_t bytes) const {
  if (bytes > budget_.max_bytes)
    return resource_exhausted("request needs " + std::to_string(bytes) + " bytes of memory, limit " +
                              std::to_string(budget_.max_bytes) + " (queue.max_bytes" + budget_.suffix + ")");
  return wider_ != nullptr ? wider_->fits_alone(bytes) : Status();
}

Status Admission::room_for(std::size_t bytes) const {
  if (requests_ >= budget_.max_requests)
    return resource_exhausted("server is full: " + std::to_string(requests_) + " requests wait or run, limit " +
                              std::to_string(budget_.max_requests) + " (queue.max_requests" + budget_.suffix +
                              "); try again later");
  if (bytes_ > budget_.max_bytes || bytes > budget_.max_bytes - bytes_)
    return resource_exhausted("server is full: " + std::to_string(bytes_) +
                              " bytes of requests wait or run, this one has " + std::to_string(bytes) + ", limit " +
                              std::to_string(budget_.max_bytes) + " (queue.max_bytes" + budget_.suffix +
                              "); try again later");
  return {};
}

Status Admission::reserve(std::size_t bytes, std::function<void()> when_room) {
  const std::scoped_lock lock(mutex_);
  if (Status status = room_for(bytes); !status.ok()) {
    if (when_room) when_room_.push_back(std::move(when_room));
    return status;
  }
  ++requests_;
  bytes_ += bytes;
  return {};
}

Result<Ticket> Admission::admit(std::size_t bytes, std::function<void()> when_room) {
  if (Status status = reserve(bytes, when_room); !status.ok()) return status;
  if (wider_ == nullptr) return Ticket(*this, bytes);
  if (Status status = wider_->reserve(bytes, std::move(when_room)); !status.ok()) {
    for (const auto& waiting : release(bytes)) waiting();
    return status;
  }
  return Ticket(*this, bytes);
}

int Admission::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

std::size_t Admission::bytes() const {
  const std::scoped_lock lock(mutex_);
  return bytes_;
}

/// Returns who waits for room.
Admission::Waiting Admission::release(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  --requests_;
  bytes_ -= bytes;
  return std::exchange(when_room_, {});
}

void Admission::give_back(std::size_t bytes) {
  const Waiting here = release(bytes), in_all = wider_ != nullptr ? wider_->release(bytes) : Waiting();
  for (const auto& when_room : here) when_room();
  for (const auto& when_room : in_all) when_room();
}

}  // namespace helix::server
