#pragma once

// Reference data of test/data/exatrkx.
#include "kernels/event/hits.h"
#include "kernels/exatrkx/model.h"
#include "kernels/exatrkx/networks.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace helix::exatrkx::test {

/// Every stage of one event, as stored.
struct Reference {
  std::vector<float> features;   // [hits * 3]
  std::vector<float> embedding;  // [hits * 8]
  std::vector<Index> near_source, near_target, kept_source, kept_target;
  std::vector<float> filter_logit, gnn_logit;  // in the order of near, of kept
  std::vector<Index> component;                // [hits]

  Index n_hits() const { return static_cast<Index>(component.size()); }
};
Reference read_reference(const std::string& folder);

/// Events as a batch: owns the columns.
struct Event {
  std::vector<float> x, y, z;
  std::vector<Index> offsets{0};
  std::vector<BeamSpot> spots;

  void append(const Reference& reference, const float (&scales)[3]);
  HitBatch view() const;
};

/// Networks that answer what is stored, whatever the features.
class StoredNetworks : public Networks {
 public:
  explicit StoredNetworks(std::vector<Reference> events);
  Status embed(CpuExec&, Span<const float> features, Span<float> out) const override;
  Status filter(CpuExec&, Span<const float> features, const EdgeList& edges, Span<float> out) const override;
  Status classify(CpuExec&, Span<const float> features, const EdgeList& edges, Span<float> out) const override;
  Index filter_chunk() const override { return 1000; }
  NetworkCost embed_cost() const override { return {}; }
  NetworkCost filter_cost() const override { return {}; }
  NetworkCost gnn_cost() const override { return {}; }

 private:
  using Logits = std::map<std::pair<Index, Index>, float>;
  static Status look_up(const Logits& logits, const EdgeList& edges, Span<float> out);

  std::vector<float> embedding_;
  Logits filter_, gnn_;
};

/// The cuts of the published chain.
Model published_model();

}  // namespace helix::exatrkx::test
