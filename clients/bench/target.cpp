#include "clients/bench/target.h"

#include "clients/cpp/messages.h"

#include <exception>
#include <utility>

namespace helix::bench {
namespace {

template <class T>
void append(const std::vector<T>& column, std::string& bytes) {
  const auto n = static_cast<std::uint64_t>(column.size());
  bytes.append(reinterpret_cast<const char*>(&n), sizeof n);
  bytes.append(reinterpret_cast<const char*>(column.data()), column.size() * sizeof(T));
}

}  // namespace

Payload make_payload(std::string name, const ReconstructCall& call) {
  const std::string bytes = encode(call).SerializeAsString();
  const grpc::Slice slice(bytes);
  return {std::move(name), call, grpc::ByteBuffer(&slice, 1), {}};
}

Reply failure(grpc::StatusCode code, std::string error) {
  Reply reply;
  reply.code = code;
  reply.error = std::move(error);
  return reply;
}

Reply reply_of(const std::function<Reply()>& make) {
  try {
    return make();
  } catch (const std::exception& error) {
    return failure(grpc::StatusCode::INTERNAL, error.what());
  }
}

std::string fingerprint(const Reconstruction& answer) {
  std::string bytes;
  const Tracks& t = answer.tracks;
  for (const auto* column : {&t.event_offsets, &t.hit_offsets, &t.hit, &t.vertex}) append(*column, bytes);
  for (const auto* column : {&t.phi, &t.dxy, &t.q_over_pt, &t.cot_theta, &t.dz, &t.chi2, &t.score})
    append(*column, bytes);
  append(t.covariance, bytes);
  append(t.ndof, bytes);
  append(t.quality, bytes);
  const Vertices& v = answer.vertices;
  for (const auto* column : {&v.event_offsets, &v.n_tracks}) append(*column, bytes);
  for (const auto* column : {&v.x, &v.y, &v.z, &v.var_z, &v.sum_pt2, &v.chi2}) append(*column, bytes);
  return bytes;
}

}  // namespace helix::bench
