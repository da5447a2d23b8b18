#include "kernels/core/file.h"
#include "kernels/event/trackml_csv.h"

#include <array>
#include <charconv>
#include <cmath>

namespace helix {
namespace {

/// CSV text, built up field by field.
class Rows {
 public:
  explicit Rows(const char* header) : text_(std::string(header) + "\n") {}

  template <class T>
  Rows& put(T value) {
    std::array<char, 32> digits;
    return put_text({digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr});
  }
  Rows& put_text(std::string_view field) {
    if (text_.back() != '\n') text_ += ',';
    text_ += field;
    return *this;
  }
  void end() { text_ += '\n'; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string join_ids(Span<const std::int64_t> hit_id, const Tracks& tracks, Index track) {
  std::string text;
  for (Index i = tracks.hit_offsets[track]; i < tracks.hit_offsets[track + 1]; ++i) {
    if (!text.empty()) text += ' ';
    text += std::to_string(hit_id[tracks.hit[i]]);
  }
  return text;
}

}  // namespace

Status write_tracks(const std::string& path, Span<const std::int64_t> hit_id, const Tracks& tracks, Index event) {
  Rows rows(
      "track_id,hit_ids,charge,pt,eta,phi,dxy,dz,chi2,ndof,quality,vertex_id,"
      "var_phi,var_dxy,var_qoverpt,var_cottheta,var_dz");
  const Index first = tracks.event_offsets[event], last = tracks.event_offsets[event + 1];
  for (Index t = first; t < last; ++t) {
    const float q_over_pt = tracks.q_over_pt[t];
    rows.put(t - first + 1).put_text(join_ids(hit_id, tracks, t));
    rows.put(q_over_pt < 0 ? -1 : 1).put(1.f / std::abs(q_over_pt)).put(std::asinh(tracks.cot_theta[t]));
    rows.put(tracks.phi[t]).put(tracks.dxy[t]).put(tracks.dz[t]).put(tracks.chi2[t]).put(tracks.ndof[t]);
    rows.put(int{tracks.quality[t]}).put(tracks.vertex[t] + 1);
    // Order of the covariance: phi, dxy, q_over_pt, cot_theta, dz
    for (int i = 0; i < 5; ++i) rows.put(tracks.covariance[t][covariance_row(i, i)]);
    rows.end();
  }
  return write_file(path, rows.text());
}

Status write_vertices(const std::string& path, const Vertices& vertices, Index event) {
  Rows rows("vertex_id,x,y,z,var_z,n_tracks,sum_pt2,chi2");
  const Index first = vertices.event_offsets[event], last = vertices.event_offsets[event + 1];
  for (Index v = first; v < last; ++v) {
    rows.put(v - first + 1).put(vertices.x[v]).put(vertices.y[v]).put(vertices.z[v]).put(vertices.var_z[v]);
    rows.put(vertices.n_tracks[v]).put(vertices.sum_pt2[v]).put(vertices.chi2[v]).end();
  }
  return write_file(path, rows.text());
}

Status write_labels(const std::string& path, Span<const std::int64_t> hit_id, const Tracks& tracks, Index event) {
  std::vector<Index> label(hit_id.size(), 0);
  const Index first = tracks.event_offsets[event], last = tracks.event_offsets[event + 1];
  for (Index t = first; t < last; ++t)
    for (Index i = tracks.hit_offsets[t]; i < tracks.hit_offsets[t + 1]; ++i)
      if (label[tracks.hit[i]] == 0) label[tracks.hit[i]] = t - first + 1;
  Rows rows("hit_id,track_id");
  for (std::size_t i = 0; i < label.size(); ++i) rows.put(hit_id[i]).put(label[i]).end();
  return write_file(path, rows.text());
}

}  // namespace helix
