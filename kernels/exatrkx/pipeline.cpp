#include "kernels/exatrkx/pipeline.h"

#include "kernels/core/parallel_cpu.h"
#include "kernels/exatrkx/components.h"
#include "kernels/exatrkx/features.h"
#include "kernels/exatrkx/helix_fit.h"
#include "kernels/exatrkx/neighbours.h"
#include "kernels/exatrkx/walk.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace helix::exatrkx {
namespace {

constexpr Index kLeastChunk = 4096, kMostChunk = 1 << 18;  // edges that the filter is given at once

/// Strictly above: sigmoid(logit) > cut, without the rounding of the sigmoid.
float logit_of(float cut) {
  if (cut <= 0.f) return -INFINITY;
  if (cut >= 1.f) return INFINITY;
  return std::log(cut / (1.f - cut));
}

Status check_memory(const char* stage, std::size_t needed, std::size_t budget) {
  if (needed <= budget) return {};
  return resource_exhausted(std::string("stage ") + stage + " needs about " + std::to_string(needed) +
                            " bytes, the budget is " + std::to_string(budget));
}

struct Run {
  CpuExec& exec;
  const HitBatch& batch;
  const Model& model;
  const Networks& networks;
  std::size_t budget;

  Result<Span<const float>> embed(Span<const float> features) {
    exec.begin_stage("embed");
    const Index n = batch.n_hits();
    auto out = exec.scratch<float>(n * model.dimensions);
    Status status = check_memory("embed", networks.embed_cost().bytes(n, 0), budget);
    if (status.ok() && n > 0) status = networks.embed(features, out, exec.threads());
    if (!status.ok()) return status;
    return Span<const float>(out);
  }

  /// The edges in the direction that the networks expect.
  EdgeList connect(Span<const float> embedding) {
    exec.begin_stage("neighbours");
    const EdgeOrder order =
        model.direction == Direction::smaller_first ? EdgeOrder::smaller_first : EdgeOrder::larger_first;
    const Edges edges =
        find_neighbours(exec, {embedding, model.dimensions, batch.events}, {model.radius, model.max_neighbours, order});
    if (model.direction != Direction::inside_out) return {edges.source, edges.target};
    const auto n = static_cast<Index>(edges.source.size());
    auto source = exec.scratch<Index>(n), target = exec.scratch<Index>(n);
    auto distance = exec.scratch<float>(batch.n_hits());
    for_each(exec, batch.n_hits(), MeasureDistance{batch, distance});
    for_each(exec, n, TurnOutwards{edges.source, edges.target, distance, source, target});
    return {source, target};
  }

  /// The edges that the filter keeps, in their order.
  Result<EdgeList> filter(Span<const float> features, const EdgeList& edges) {
    exec.begin_stage("filter");
    const Index n = edges.n();
    auto logit = exec.scratch<float>(n);
    const NetworkCost cost = networks.filter_cost();
    const std::size_t hits = cost.bytes(batch.n_hits(), 0);
    const std::size_t left = budget > hits ? (budget - hits) / 2 : 0;
    const auto fits = static_cast<double>(left) / std::max(cost.per_edge, 1.);
    if (fits < kLeastChunk && n > 0)
      return check_memory("filter", 2 * cost.bytes(batch.n_hits(), std::min(n, kLeastChunk)), budget);
    const auto chunk = static_cast<Index>(std::min(fits, double{kMostChunk}));
    for (Index first = 0; first < n; first += chunk) {
      const auto at = static_cast<std::size_t>(first), size = static_cast<std::size_t>(std::min(chunk, n - first));
      const EdgeList part{edges.source.subspan(at, size), edges.target.subspan(at, size)};
      if (Status status = networks.filter(features, part, logit.subspan(at, size), exec.threads()); !status.ok())
        return status;
    }
    const float cut = logit_of(model.filter_cut);
    const auto kept = select(exec, n, AboveCut{logit, cut});
    return EdgeList{gather(edges.source, kept), gather(edges.target, kept)};
  }

  Result<Span<const float>> classify(Span<const float> features, const EdgeList& edges) {
    exec.begin_stage("gnn");
    auto logit = exec.scratch<float>(edges.n());
    Status status = check_memory("gnn", networks.gnn_cost().bytes(batch.n_hits(), edges.n()), budget);
    if (status.ok() && edges.n() > 0) status = networks.classify(features, edges, logit, exec.threads());
    if (!status.ok()) return status;
    return Span<const float>(logit);
  }

  Span<const Index> label(const EdgeList& edges, Span<const float> logit) {
    exec.begin_stage("components");
    if (model.walk)
      return walk_tracks(exec, batch, edges, logit, logit_of(model.edge_cut), logit_of(model.walk_cut), model.min_hits);
    return find_components(exec, batch.events, edges.source, edges.target, logit, logit_of(model.edge_cut),
                           model.min_hits)
        .label;
  }

  struct AboveCut {
    Span<const float> logit;
    float cut;
    bool operator()(Index k) const { return logit[k] > cut; }
  };
  Span<const Index> gather(Span<const Index> from, Span<const Index> rows) {
    auto out = exec.scratch<Index>(static_cast<Index>(rows.size()));
    for (std::size_t k = 0; k < rows.size(); ++k) out[k] = from[static_cast<std::size_t>(rows[k])];
    return out;
  }
};

/// Collects the tracks of one event after the other.
class TrackMaker {
 public:
  TrackMaker(const HitBatch& batch, Span<const Index> label, const EdgeList& edges, Span<const float> logit,
             const Model& model)
      : batch_(batch), label_(label), model_(model) {
    tracks_.event_offsets = tracks_.hit_offsets = {0};
    sum_.resize(batch.x.size());
    count_.resize(batch.x.size());
    for (Index k = 0; k < edges.n(); ++k) {  // an edge counts for the track of both of its hits
      const auto at = static_cast<std::size_t>(edges.source[k]);
      if (label[at] < 0 || label[edges.target[k]] != label[at]) continue;
      sum_[at] += logit[k];
      ++count_[at];
    }
  }

  void add_event(Index event) {
    const Index begin = batch_.events.begin(event), end = batch_.events.end(event);
    Index n = 0;
    for (Index i = begin; i < end; ++i) n = std::max(n, label_[i] + 1);
    std::vector<Index> at(static_cast<std::size_t>(n) + 1, 0);
    for (Index i = begin; i < end; ++i)
      if (label_[i] >= 0) ++at[static_cast<std::size_t>(label_[i]) + 1];
    std::partial_sum(at.begin(), at.end(), at.begin());
    std::vector<Index> hit(static_cast<std::size_t>(at.back())), next(at.begin(), at.end() - 1);
    for (Index i = begin; i < end; ++i)
      if (label_[i] >= 0) hit[static_cast<std::size_t>(next[static_cast<std::size_t>(label_[i])]++)] = i;
    for (Index t = 0; t < n; ++t)
      add_track(event,
                {hit.data() + at[static_cast<std::size_t>(t)],
                 static_cast<std::size_t>(at[static_cast<std::size_t>(t) + 1] - at[static_cast<std::size_t>(t)])});
    tracks_.event_offsets.push_back(tracks_.n_tracks());
  }

  Tracks take() { return std::move(tracks_); }

 private:
  void add_track(Index event, Span<Index> hits) {
    const BeamSpot& spot = batch_.beam_spot[event];
    const auto distance = [&](Index i) {
      const double x = batch_.x[i] - spot.x, y = batch_.y[i] - spot.y, z = batch_.z[i] - spot.z;
      return x * x + y * y + z * z;
    };
    std::stable_sort(hits.begin(), hits.end(), [&](Index a, Index b) { return distance(a) < distance(b); });
    std::vector<double> x, y, z;
    double sum = 0, count = 0;
    for (const Index i : hits) {
      x.push_back(batch_.x[i] - spot.x), y.push_back(batch_.y[i] - spot.y), z.push_back(batch_.z[i] - spot.z);
      sum += sum_[static_cast<std::size_t>(i)], count += count_[static_cast<std::size_t>(i)];
      tracks_.hit.push_back(i - batch_.events.begin(event));
    }
    const HelixFit fit = fit_helix({x, y, z}, model_.field);
    tracks_.hit_offsets.push_back(static_cast<Index>(tracks_.hit.size()));
    tracks_.phi.push_back(static_cast<float>(fit.phi));
    tracks_.dxy.push_back(static_cast<float>(fit.dxy));
    tracks_.q_over_pt.push_back(static_cast<float>(fit.q_over_pt));
    tracks_.cot_theta.push_back(static_cast<float>(fit.cot_theta));
    tracks_.dz.push_back(static_cast<float>(fit.dz));
    auto& covariance = tracks_.covariance.emplace_back();
    std::transform(fit.covariance.begin(), fit.covariance.end(), covariance.begin(),
                   [](double v) { return static_cast<float>(v); });
    tracks_.chi2.push_back(static_cast<float>(fit.chi2));
    tracks_.ndof.push_back(std::max(fit.ndof, 0));
    tracks_.score.push_back(static_cast<float>(count > 0 ? sum / count : 0));
    tracks_.quality.push_back(static_cast<std::uint8_t>(fit.ndof < 0 ? Quality::loose : Quality::tight));
    tracks_.vertex.push_back(-1);
  }

  const HitBatch& batch_;
  const Span<const Index> label_;
  const Model& model_;
  std::vector<float> sum_, count_;  // [hits] of the logits of a hit's edges within its track
  Tracks tracks_;
};

/// How many of the edges begin in each event.
std::vector<Index> count_by_event(const HitBatch& batch, const EdgeList& edges) {
  std::vector<Index> event_of(batch.x.size()), count(static_cast<std::size_t>(batch.n_events()));
  for (Index e = 0; e < batch.n_events(); ++e)
    std::fill(event_of.begin() + batch.events.begin(e), event_of.begin() + batch.events.end(e), e);
  for (const Index source : edges.source) ++count[static_cast<std::size_t>(event_of[static_cast<std::size_t>(source)])];
  return count;
}

}  // namespace

Result<BatchResult> run_pipeline(CpuExec& exec, const HitBatch& batch, const Model& model, const Networks& networks,
                                 std::size_t memory_budget) {
  Run run{exec, batch, model, networks, memory_budget};
  exec.begin_stage("features");
  const auto features = make_features(exec, batch, model);
  const Result<Span<const float>> embedding = run.embed(features);
  if (!embedding.ok()) return embedding.status();
  const EdgeList near = run.connect(*embedding);
  const Result<EdgeList> kept = run.filter(features, near);
  if (!kept.ok()) return kept.status();
  const Result<Span<const float>> logit = run.classify(features, *kept);
  if (!logit.ok()) return logit.status();
  const Span<const Index> label = run.label(*kept, *logit);

  exec.begin_stage("fit");
  TrackMaker maker(batch, label, *kept, *logit, model);
  for (Index e = 0; e < batch.n_events(); ++e) maker.add_event(e);
  BatchResult out;
  out.tracks = maker.take();
  out.vertices.event_offsets.assign(static_cast<std::size_t>(batch.n_events()) + 1, 0);
  const auto doublets = count_by_event(batch, near), cells = count_by_event(batch, *kept);
  const float cut = logit_of(model.edge_cut);
  std::vector<Index> joining;
  for (Index k = 0; k < kept->n(); ++k)
    if ((*logit)[k] > cut) joining.push_back(kept->source[k]);
  const auto tuples = count_by_event(batch, {joining, joining});
  for (Index e = 0; e < batch.n_events(); ++e) {
    const auto at = static_cast<std::size_t>(e);
    out.counters.push_back({batch.events.size(e), doublets[at], cells[at], tuples[at],
                            out.tracks.event_offsets[at + 1] - out.tracks.event_offsets[at], 0});
  }
  exec.clock().end();
  return out;
}

}  // namespace helix::exatrkx
