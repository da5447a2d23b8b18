#pragma once

#include "kernels/core/status.h"
#include "server/batching/gate.h"
#include "server/pipelines.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <set>

namespace helix::server {

/// What calls are told that come, or are cut off, while the server drains.
inline Status go_elsewhere() { return unavailable("server is draining: go elsewhere"); }

/// What one stream may hold (StreamOptions); beyond it, it is not read on.
struct StreamLimits {
  int max_in_flight;             // requests read whose answers are not sent
  std::size_t max_unsent_bytes;  // of answers
};

/// Calls of ReconstructStream. Thread-safe; outlives its streams.
class Streams {
 public:
  /// `unplaced` is told of requests that reach no pipeline.
  Streams(const Pipelines& pipelines, Observer& unplaced, const StreamLimits& limits)
      : pipelines_(pipelines), unplaced_(unplaced), limits_(limits) {}

  /// Serves a call until it ends; an empty pass ends it at once.
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* open(grpc::CallbackServerContext& context,
                                                                    Gate::Pass pass);

  /// No stream reads on, those yet to come neither; each answers what it has read, and ends.
  void drain();

 private:
  class Stream;
  void forget(Stream* stream);

  const Pipelines& pipelines_;
  Observer& unplaced_;
  const StreamLimits limits_;
  std::mutex mutex_;  // guards all below; taken before a stream's own
  std::set<std::shared_ptr<Stream>> open_;
  bool draining_ = false;
};

}  // namespace helix::server
