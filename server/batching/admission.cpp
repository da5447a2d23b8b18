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

Result<Ticket> Admission::admit(std::size_t bytes) {
  if (Status status = reserve(bytes); !status.ok()) return status;
  return Ticket(*this, bytes);
}

Status Admission::reserve(std::size_t bytes) {
  {
    const std::scoped_lock lock(mutex_);
    if (requests_ >= budget_.max_requests)
      return resource_exhausted("server is full: " + std::to_string(requests_) + " requests wait or run, limit " +
                                std::to_string(budget_.max_requests) + " (queue.max_requests" + budget_.suffix +
                                "); try again later");
    if (bytes_ > budget_.max_bytes || bytes > budget_.max_bytes - bytes_)
      return resource_exhausted("server is full: " + std::to_string(bytes_) +
                                " bytes of requests wait or run, this one has " + std::to_string(bytes) + ", limit " +
                                std::to_string(budget_.max_bytes) + " (queue.max_bytes" + budget_.suffix +
                                "); try again later");
    ++requests_;
    bytes_ += bytes;
  }
  if (wider_ == nullptr) return {};
  Status status = wider_->reserve(bytes);
  if (!status.ok()) give_back_own(bytes);
  return status;
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
  if (wider_ != nullptr) wider_->give_back(bytes);
  give_back_own(bytes);
}

void Admission::give_back_own(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  --requests_;
  bytes_ -= bytes;
}

}  // namespace helix::server
