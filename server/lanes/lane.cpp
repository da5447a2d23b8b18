#include "server/lanes/lane.h"

namespace helix::server {

Lane::Lane(int number, std::unique_ptr<Engine> engine, RequestQueue& queue, Clock::duration watchdog, LaneLost lost,
           Observer& observer)
    : worker_(std::make_shared<LaneWorker>(number, std::move(engine), queue, watchdog, std::move(lost), observer)),
      thread_([worker = worker_] { worker->loop(); }) {}

Lane::~Lane() {
  worker_->stop();
  if (thread_.joinable()) thread_.join();
}

bool Lane::abandon(Clock::time_point now, TakenBatch& taken) {
  if (!worker_->abandon(now, taken)) return false;
  thread_.detach();
  return true;
}

}  // namespace helix::server
