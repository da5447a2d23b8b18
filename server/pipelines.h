#pragma once

#include "server/pipeline_table.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace helix::server {

/// The pipelines in service, and those that a reload replaced while someone still uses them. Thread-safe.
class Pipelines {
 public:
  /// Keeps a table, and so its lanes, while it is held; kept for the length of a call. Gone before this object is.
  using Lease = std::shared_ptr<const PipelineTable>;

  /// Those in service; nothing before the first `replace`.
  Lease current() const;

  /// Puts a table in the place of the one in service, which ends when nobody holds it any more, however long that
  /// takes.
  void replace(std::unique_ptr<const PipelineTable> next);

  /// Waits until no replaced table is left; whether that is so at the deadline. Gives up early when `stop` is
  /// requested.
  bool wait_replaced(Clock::time_point deadline, const std::stop_token& stop) const;

  /// What the queues of all tables that ever were have counted, by pipeline.
  std::map<std::string, QueueTotals> totals() const;

  /// Refuses all that waits anywhere and lets all lanes end; whether they did by the deadline.
  bool stop(const Status& reason, Clock::time_point deadline) const;

 private:
  struct Generation {
    bool leased = true;  // by this object too, while it is the one in service
    std::unique_ptr<const PipelineTable> table;
  };
  Lease lease(Generation& generation);
  void end_unused(const std::stop_token& stop);

  mutable std::mutex mutex_;  // guards all below; a lease ends under it
  mutable std::condition_variable_any changed_;
  // The last is in service. Shared with whoever looks at all of them while one ends.
  std::vector<std::shared_ptr<Generation>> generations_;
  int ending_ = 0;                             // that have left generations_
  std::map<std::string, QueueTotals> totals_;  // of those that have
  Lease current_;                              // gone before the generations
  // Who gives the last lease back may be a lane, which cannot wait for its own end.
  std::jthread ender_{[this](const std::stop_token& stop) { end_unused(stop); }};
};

}  // namespace helix::server
