#pragma once

#include "server/pipeline_table.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

namespace helix::server {

/// The pipelines in service, and those that a reload replaced while someone still uses them. Thread-safe.
class Pipelines {
 public:
  /// Keeps a table, and so its lanes, while it is held; kept for the length of a call. Gone before this object is.
  using Lease = std::shared_ptr<const PipelineTable>;

  /// Those in service; nothing before the first `replace`.
  Lease current() const;

  /// Puts a table in the place of the one in service, which ends when nobody holds it any more.
  void replace(std::unique_ptr<const PipelineTable> next);

  /// Waits for the leases of replaced tables, then ends their lanes; whether none is left at the deadline. Gives up
  /// early when `stop` is requested. Called by one thread at a time.
  bool end_replaced(Clock::time_point deadline, const std::stop_token& stop);

  /// Refuses all that waits anywhere and lets all lanes end; whether they did by the deadline.
  bool stop(const Status& reason, Clock::time_point deadline) const;

 private:
  struct Generation {
    bool leased = true;  // by this object too, while it is the one in service
    std::unique_ptr<const PipelineTable> table;
  };
  Lease lease(Generation& generation);

  mutable std::mutex mutex_;  // guards all below; a lease ends under it
  std::condition_variable_any ended_;
  std::vector<std::unique_ptr<Generation>> generations_;  // the last is in service
  Lease current_;                                         // gone before the generations
};

}  // namespace helix::server
