#include "kernels/exatrkx/fused.h"

#include "kernels/exatrkx/interaction.h"
#include "kernels/exatrkx/triplet_network.h"

namespace helix::exatrkx {
namespace {

class FusedNetworks final : public Networks {
 public:
  FusedNetworks(const KnownForms& forms, const Model& model, std::shared_ptr<const Networks> others)
      : n_features_(static_cast<Index>(model.features.size())),
        seen_{seen(model.embed_features), seen(model.filter_features), seen(model.gnn_features)},
        others_(std::move(others)) {
    if (forms.embed && fits(*forms.embed) && forms.embed->front().in == seen_[0] &&
        forms.embed->back().out == model.dimensions)
      embed_ = place(*forms.embed, arena_);
    if (forms.filter && fits(forms.filter->net) && seen_[1] >= 4 &&
        static_cast<Index>(forms.filter->scales.size()) == seen_[1] &&
        forms.filter->net.front().in == 2 * seen_[1] + kEdgeGeometry && forms.filter->net.back().out == 1) {
      filter_ = place(forms.filter->net, arena_);
      scales_ = forms.filter->scales;
    }
    if (forms.gnn && !model.both_directions && fits(*forms.gnn, seen_[2])) gnn_ = place(*forms.gnn, arena_);
    if (forms.triplets && !model.both_directions && fits(*forms.triplets, seen_[2]))
      triplets_ = place(*forms.triplets, arena_);
  }

  Status embed(CpuExec& exec, Span<const float> features, Span<float> out) const override {
    if (!embed_) return others_->embed(exec, features, out);
    const HitRows hits{features, n_features_, seen_[0]};
    const Index dimensions = embed_->outputs();
    for_each_block(exec, n_hits(features), [&](Index first, Index count) {
      BlockBuffers buffers;
      const BlockRows in = buffers.first(*embed_);
      for (Index r = 0; r < kBlockRows; ++r)
        std::copy_n(hits.row(first + std::min(r, count - 1)), hits.seen, in.at + r * in.stride);
      const BlockRows answer = run_layers(*embed_, 0, in, buffers.second(*embed_));
      for (Index r = 0; r < count; ++r)
        std::copy_n(answer.at + r * answer.stride, dimensions,
                    out.begin() + static_cast<std::ptrdiff_t>(first + r) * dimensions);
    });
    return {};
  }

  Status filter(CpuExec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const override {
    if (!filter_) return others_->filter(exec, features, edges, out);
    const HitRows hits{features, n_features_, seen_[1]};
    for_each_block(exec, edges.n(), [&](Index first, Index count) {
      BlockBuffers buffers;
      const BlockRows in = buffers.first(*filter_);
      fill_edges(hits, scales_.data(), edges, first, count, in);
      const BlockRows answer = run_layers(*filter_, 0, in, buffers.second(*filter_));
      for (Index r = 0; r < count; ++r) out[static_cast<std::size_t>(first + r)] = answer.at[r * answer.stride];
    });
    return {};
  }

  Status classify(CpuExec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const override {
    const HitRows hits{features, n_features_, seen_[2]};
    if (gnn_)
      classify_edges(exec, *gnn_, hits, n_hits(features), edges, out);
    else if (triplets_)
      classify_edges(exec, *triplets_, hits, n_hits(features), edges, out);
    else
      return others_->classify(exec, features, edges, out);
    return {};
  }

  Index filter_chunk() const override { return filter_ ? Index{1} << 30 : others_->filter_chunk(); }
  // ours take what they need from the arena
  NetworkCost embed_cost() const override { return embed_ ? NetworkCost{} : others_->embed_cost(); }
  NetworkCost filter_cost() const override { return filter_ ? NetworkCost{} : others_->filter_cost(); }
  NetworkCost gnn_cost() const override { return gnn_ || triplets_ ? NetworkCost{} : others_->gnn_cost(); }

 private:
  Index seen(Index features) const { return features == 0 ? n_features_ : features; }
  Index n_hits(Span<const float> features) const { return static_cast<Index>(features.size()) / n_features_; }

  Index n_features_;
  Index seen_[3];
  std::shared_ptr<const Networks> others_;
  Arena arena_{host_memory(), std::size_t{1} << 30};  // the weights
  std::optional<Mlp> embed_, filter_;
  std::vector<float> scales_;
  std::optional<Interaction> gnn_;
  std::optional<TripletNetwork> triplets_;
};

}  // namespace

std::shared_ptr<const Networks> make_fused_networks(const KnownForms& forms, const Model& model,
                                                    std::shared_ptr<const Networks> others) {
  return std::make_shared<FusedNetworks>(forms, model, std::move(others));
}

}  // namespace helix::exatrkx
