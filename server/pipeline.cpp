#include "server/pipeline.h"

namespace helix::server {

Pipeline::Pipeline(PipelineFacts facts, std::shared_ptr<const Detector> detector, AdmissionBudget admission,
                   BatchBudget batch, std::vector<std::unique_ptr<Engine>> engines, std::function<void()> all_lost,
                   Observer& observer)
    : facts_(std::move(facts)),
      detector_(std::move(detector)),
      observer_(observer),
      admission_(admission),
      lanes_(std::move(engines), queue_, batch, std::move(all_lost), observer) {}

Result<Ticket> Pipeline::admit(std::size_t bytes, std::function<void()> when_room) {
  Result<Ticket> ticket = admission_.admit(bytes);
  if (ticket.ok()) return ticket;
  queue_.drop_unwanted();
  return admission_.admit(bytes, std::move(when_room));
}

bool Pipeline::stop(const Status& reason, Clock::time_point deadline) {
  queue_.refuse_waiting(reason);
  return lanes_.wait_ended(deadline);
}

}  // namespace helix::server
