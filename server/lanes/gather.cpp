#include "server/lanes/gather.h"

namespace helix::server {
namespace {

template <class T>
void extend(std::vector<T>& column, Span<const T> more) {
  column.insert(column.end(), more.begin(), more.end());
}

template <class... Columns>
void clear(Columns&... columns) {
  (columns.clear(), ...);
}

}  // namespace

HitBatch Gather::join(Span<const std::unique_ptr<Request>> requests) {
  if (requests.size() == 1) return requests[0]->hits();
  clear(x_, y_, z_, var_u_, var_v_, size_u_, size_v_, charge_, local_u_, local_v_, module_, events_, beam_spot_);
  events_.push_back(0);
  for (const auto& request : requests) append(request->hits());
  return {.x = x_,
          .y = y_,
          .z = z_,
          .module = module_,
          .var_u = var_u_,
          .var_v = var_v_,
          .size_u = size_u_,
          .size_v = size_v_,
          .events = {events_},
          .beam_spot = beam_spot_,
          .charge = charge_,
          .local_u = local_u_,
          .local_v = local_v_};
}

void Gather::append(const HitBatch& hits) {
  const Index before = static_cast<Index>(x_.size());
  for (Index event = 0; event < hits.n_events(); ++event) events_.push_back(before + hits.events.end(event));
  extend(x_, hits.x);
  extend(y_, hits.y);
  extend(z_, hits.z);
  extend(module_, hits.module);
  extend(var_u_, hits.var_u);
  extend(var_v_, hits.var_v);
  extend(size_u_, hits.size_u);
  extend(size_v_, hits.size_v);
  extend(charge_, hits.charge);
  extend(local_u_, hits.local_u);
  extend(local_v_, hits.local_v);
  extend(beam_spot_, hits.beam_spot);
}

}  // namespace helix::server
