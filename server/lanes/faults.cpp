#include "server/lanes/faults.h"

#include <algorithm>
#include <thread>

namespace helix::server {
namespace {

class FaultyEngine final : public Engine {
 public:
  FaultyEngine(std::unique_ptr<Engine> engine, const FaultOptions& faults)
      : engine_(std::move(engine)), faults_(faults) {}

  Status warm_up() override { return engine_->warm_up(); }
  std::size_t memory() const override { return engine_->memory(); }
  int events_side_by_side() const override { return engine_->events_side_by_side(); }
  std::string backend() const override { return engine_->backend(); }
  std::string device() const override { return engine_->device(); }

  Result<BatchResult> run(const HitBatch& batch) override {
    ++batches_;
    if (faults_.lose_device_after > 0 && batches_ > faults_.lose_device_after) return unavailable("fault: device lost");
    if (every(faults_.hang_every)) std::this_thread::sleep_for(faults_.hang_for);
    if (every(faults_.fail_every)) return internal_error("fault: batch " + std::to_string(batches_) + " of this lane");
    if (faults_.out_of_memory_hits > 0 && batch.n_hits() > faults_.out_of_memory_hits)
      return resource_exhausted("fault: " + std::to_string(batch.n_hits()) + " hits do not fit into memory");
    for (Index event = 0; event < batch.n_events(); ++event)
      if (faults_.fail_event_hits > 0 && batch.events.size(event) == faults_.fail_event_hits)
        return internal_error("fault: an event of " + std::to_string(faults_.fail_event_hits) + " hits");
    return engine_->run(batch);
  }

 private:
  bool every(int n) const { return n > 0 && batches_ % n == 0; }

  const std::unique_ptr<Engine> engine_;
  const FaultOptions faults_;
  std::int64_t batches_ = 0;
};

}  // namespace

bool any_fault(const FaultOptions& faults) {
  return std::max({faults.fail_every, faults.fail_event_hits, faults.lose_device_after, faults.hang_every,
                   faults.out_of_memory_hits}) > 0;
}

std::unique_ptr<Engine> with_faults(std::unique_ptr<Engine> engine, const FaultOptions& faults) {
  if (!any_fault(faults)) return engine;
  return std::make_unique<FaultyEngine>(std::move(engine), faults);
}

}  // namespace helix::server
