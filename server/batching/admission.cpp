#include "server/batching/admission.h"

#include <string>

namespace helix::server {

void Ticket::release() {
  if (Admission* admission = std::exchange(admission_, nullptr)) admission->give_back(bytes_);
}

Status Admission::fits_alone(std::size_t bytes) const {
  if (bytes <= budget_.max_bytes) return {};
  return resource_exhausted("request needs " + std::to_string(bytes) + " bytes of memory, limit " +
                            std::to_string(budget_.max_bytes) + " (queue.max_bytes)");
}

Status Admission::room_for(std::size_t bytes) const {
  if (requests_ >= budget_.max_requests)
    return resource_exhausted("server is full: " + std::to_string(requests_) + " requests wait or run, limit " +
                              std::to_string(budget_.max_requests) + " (queue.max_requests); try again later");
  if (bytes > budget_.max_bytes - bytes_)
    return resource_exhausted("server is full: " + std::to_string(bytes_) +
                              " bytes of requests wait or run, this one has " + std::to_string(bytes) + ", limit " +
                              std::to_string(budget_.max_bytes) + " (queue.max_bytes); try again later");
  return {};
}

Result<Ticket> Admission::admit(std::size_t bytes, std::function<void()> when_room) {
  const std::scoped_lock lock(mutex_);
  if (Status status = room_for(bytes); !status.ok()) {
    if (when_room) when_room_.push_back(std::move(when_room));
    return status;
  }
  ++requests_;
  bytes_ += bytes;
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

void Admission::give_back(std::size_t bytes) {
  std::vector<std::function<void()>> waiting;
  {
    const std::scoped_lock lock(mutex_);
    --requests_;
    bytes_ -= bytes;
    waiting.swap(when_room_);
  }
  for (const auto& when_room : waiting) when_room();
}

}  // namespace helix::server
