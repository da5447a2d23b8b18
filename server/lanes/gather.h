#pragma once

#include "kernels/event/hits.h"
#include "server/batching/request.h"

#include <cstdint>
#include <vector>

namespace helix::server {

/// Lays the hits of several requests end to end. Keeps its memory from batch to batch.
class Gather {
 public:
  /// Views over the request itself where there is one alone, else over this object, until the next join. The requests
  /// have the same optional columns (RequestFacts::columns).
  HitBatch join(Span<const std::unique_ptr<Request>> requests);

 private:
  void append(const HitBatch& hits);

  std::vector<float> x_, y_, z_, var_u_, var_v_, size_u_, size_v_, charge_, local_u_, local_v_;
  std::vector<std::uint32_t> module_;
  std::vector<Index> events_;
  std::vector<BeamSpot> beam_spot_;
};

}  // namespace helix::server
