#pragma once

#include "server/observe/observer.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace helix::server {

/// The last batches of all pipelines, for people to look at in Perfetto or chrome://tracing. Thread-safe: adding waits
/// for a reader no longer than it takes to copy a pointer a batch.
class Trace {
 public:
  /// Keeps this many batches; 0: none.
  explicit Trace(std::size_t batches) : ring_(batches) {}

  void add(std::string_view pipeline, const BatchRecord& record);

  /// Chrome's trace-event format. A process a pipeline, a thread a lane; a batch is a slice that holds those of its
  /// parts, and an asynchronous slice for how long its first request waited. Stages stand in the order in which they
  /// first ran: the CPU's threads share a batch, so there a stage has its part of the time, not its moment.
  std::string json() const;

 private:
  struct Batch;

  mutable std::mutex mutex_;  // guards ring_, added_
  std::vector<std::shared_ptr<const Batch>> ring_;
  std::size_t added_ = 0;
};

}  // namespace helix::server
