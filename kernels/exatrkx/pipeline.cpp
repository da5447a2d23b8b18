#include "kernels/exatrkx/pipeline.h"

#include "kernels/core/parallel.h"
#include "kernels/exatrkx/components.h"
#include "kernels/exatrkx/features.h"
#include "kernels/exatrkx/join.h"
#include "kernels/exatrkx/neighbours.h"
#include "kernels/exatrkx/tracks.h"
#include "kernels/exatrkx/walk.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace helix::exatrkx {
namespace {

/// Strictly above: sigmoid(logit) > cut, without the rounding of the sigmoid.
float logit_of(float cut) {
  if (cut <= 0.f) return -INFINITY;
  if (cut >= 1.f) return INFINITY;
  return std::log(cut / (1.f - cut));
}

struct AboveCut {
  Span<const float> logit;
  float cut;
  HELIX_HD bool operator()(Index k) const { return logit[k] > cut; }
};

struct Gather {
  EdgeList from;
  Span<const Index> row;
  Span<Index> source, target;
  HELIX_HD void operator()(Index k) const {
    source[k] = from.source[row[k]];
    target[k] = from.target[row[k]];
  }
};

/// Edges that join hits, by the hit they come from.
struct CountEdge {
  Span<const Index> source;
  Span<const float> logit;  // empty: all
  float cut;
  Span<Index> count;  // [hits]
  HELIX_HD void operator()(Index k) const {
    if (logit.empty() || logit[k] > cut) atomic_add(&count[source[k]], Index{1});
  }
};

struct CountEvent {
  Offsets hits, doublets, cells, tuples, tracks;  // tracks by event, the others by hit
  Span<EventCounters> counters;
  HELIX_HD Index edges(const Offsets& rows, Index event) const {
    return rows.begin(hits.end(event)) - rows.begin(hits.begin(event));
  }
  HELIX_HD void operator()(Index event) const {
    counters[event] = {hits.size(event),     edges(doublets, event), edges(cells, event),
                       edges(tuples, event), tracks.size(event),     0};
  }
};

struct Run {
  Exec& exec;
  const HitBatch& batch;
  const Model& model;
  const NetworksOn<Exec>& networks;

  /// What a network takes beside the arena must fit in what the arena leaves of the budget.
  Status check_memory(const char* stage, std::size_t needed) const {
    if (needed <= exec.arena().left()) return {};
    return resource_exhausted(std::string("stage ") + stage + " needs about " + std::to_string(needed) +
                              " bytes, of the budget of " + std::to_string(exec.arena().budget()) + " bytes " +
                              std::to_string(exec.arena().left()) + " are left");
  }

  Result<Span<const float>> embed(Span<const float> features) {
    exec.begin_stage("embed");
    const Index n = batch.n_hits();
    auto out = exec.template scratch<float>(n * model.dimensions);
    Status status = check_memory("embed", networks.embed_cost().bytes(n, 0));
    if (status.ok() && n > 0) status = networks.embed(exec, features, out);
    if (!status.ok()) return status;
    return Span<const float>(out);
  }

  /// The edges in the direction that the networks expect.
  EdgeList connect(Span<const float> embedding) {
    const EdgeOrder order =
        model.direction == Direction::smaller_first ? EdgeOrder::smaller_first : EdgeOrder::larger_first;
    const Edges edges =
        find_neighbours(exec, {embedding, model.dimensions, batch.events}, {model.radius, model.max_neighbours, order});
    if (model.direction != Direction::inside_out) return {edges.source, edges.target};
    const Index n = edges.n();
    auto source = exec.template scratch<Index>(n), target = exec.template scratch<Index>(n);
    auto distance = exec.template scratch<float>(batch.n_hits());
    for_each(exec, batch.n_hits(), MeasureDistance{batch, distance});
    for_each(exec, n, TurnOutwards{edges.source, edges.target, distance, source, target});
    return {source, target};
  }

  /// Edges that the filter is given at once: as many as fit, but no more than are fastest.
  Result<Index> filter_chunk(Index n_edges) const {
    const NetworkCost cost = networks.filter_cost();
    const std::size_t hits = cost.bytes(batch.n_hits(), 0), left = exec.arena().left();
    const double fits = static_cast<double>(left > hits ? (left - hits) / 2 : 0) / std::max(cost.per_edge, 1e-3);
    const Index least = std::min(n_edges, Index{4096});
    if (fits < least) return check_memory("filter", 2 * cost.bytes(batch.n_hits(), least));
    return static_cast<Index>(std::min(fits, static_cast<double>(networks.filter_chunk())));
  }

  /// The edges that the filter keeps, in their order.
  Result<EdgeList> filter(Span<const float> features, const EdgeList& edges) {
    exec.begin_stage("filter");
    const Index n = edges.n();
    auto logit = exec.template scratch<float>(n);
    const Result<Index> chunk = filter_chunk(n);
    if (!chunk.ok()) return chunk.status();
    for (Index first = 0; first < n; first += *chunk) {
      const auto at = static_cast<std::size_t>(first), size = static_cast<std::size_t>(std::min(*chunk, n - first));
      const EdgeList part{edges.source.subspan(at, size), edges.target.subspan(at, size)};
      if (Status status = networks.filter(exec, features, part, logit.subspan(at, size)); !status.ok()) return status;
    }
    const Span<const Index> kept = select(exec, n, AboveCut{logit, logit_of(model.filter_cut)});
    const auto n_kept = static_cast<Index>(kept.size());
    const Gather gather{edges, kept, exec.template scratch<Index>(n_kept), exec.template scratch<Index>(n_kept)};
    for_each(exec, n_kept, gather);
    return EdgeList{gather.source, gather.target};
  }

  Result<Span<const float>> classify(Span<const float> features, const EdgeList& edges) {
    exec.begin_stage("gnn");
    auto logit = exec.template scratch<float>(edges.n());
    Status status = check_memory("gnn", networks.gnn_cost().bytes(batch.n_hits(), edges.n()));
    if (status.ok() && edges.n() > 0) status = networks.classify(exec, features, edges, logit);
    if (!status.ok()) return status;
    return Span<const float>(logit);
  }

  Components label(const EdgeList& edges, Span<const float> logit) {
    exec.begin_stage("components");
    const float cut = logit_of(model.edge_cut), walk_cut = logit_of(model.walk_cut);
    if (model.walk) return walk_tracks(exec, batch.events, batch.n_hits(), edges, logit, cut, walk_cut, model.min_hits);
    return find_components(exec, batch.events, edges.source, edges.target, logit, cut, model.min_hits);
  }

  Offsets count_by_hit(Span<const Index> source, Span<const float> logit = {}) {
    auto count = exec.template scratch<Index>(batch.n_hits());
    fill(exec, count, Index{0});
    for_each(exec, static_cast<Index>(source.size()), CountEdge{source, logit, logit_of(model.edge_cut), count});
    return exclusive_scan(exec, count);
  }

  Span<const EventCounters> count(const EdgeList& near, const EdgeList& kept, Span<const float> logit, Offsets tracks) {
    auto counters = exec.template scratch<EventCounters>(batch.n_events());
    for_each(exec, batch.n_events(),
             CountEvent{batch.events, count_by_hit(near.source), count_by_hit(kept.source),
                        count_by_hit(kept.source, logit), tracks, counters});
    return counters;
  }
};

}  // namespace

Result<PipelineOutput> run_pipeline(Exec& exec, const HitBatch& batch, const Model& model,
                                    const NetworksOn<Exec>& networks) {
  Run run{exec, batch, model, networks};
  exec.begin_stage("features");
  const Span<const float> features = make_features(exec, batch, model);
  const Result<Span<const float>> embedding = run.embed(features);
  if (!embedding.ok()) return embedding.status();
  const EdgeList near = run.connect(*embedding);
  const Result<EdgeList> kept = run.filter(features, near);
  if (!kept.ok()) return kept.status();
  const Result<Span<const float>> logit = run.classify(features, *kept);
  if (!logit.ok()) return logit.status();
  Components components = run.label(*kept, *logit);
  if (model.join.xy > 0) components = join_tracks(exec, batch, components, model.join);
  PipelineOutput out = make_tracks(exec, batch, components, *kept, *logit, model.field);
  out.counters = run.count(near, *kept, *logit, out.events);
  return out;
}

}  // namespace helix::exatrkx
