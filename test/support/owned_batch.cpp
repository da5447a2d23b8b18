#include "test/support/owned_batch.h"

#include "kernels/event/trackml_csv.h"

#include <stdexcept>

namespace helix::test {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().message());
  return std::move(result).value();
}

template <class T>
void extend(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <class T>
void extend(std::vector<T>& to, Span<const T> from, Index begin, Index end) {
  if (!from.empty()) to.insert(to.end(), from.begin() + begin, from.begin() + end);
}

}  // namespace

HitBatch OwnedBatch::view() const { return {x, y, z, module, var_u, var_v, size_u, size_v, {events}, beam_spot}; }

void OwnedBatch::append(const HitBatch& from, Index e) {
  const Index begin = from.events.begin(e), end = from.events.end(e);
  extend(x, from.x, begin, end);
  extend(y, from.y, begin, end);
  extend(z, from.z, begin, end);
  extend(module, from.module, begin, end);
  extend(var_u, from.var_u, begin, end);
  extend(var_v, from.var_v, begin, end);
  extend(size_u, from.size_u, begin, end);
  extend(size_v, from.size_v, begin, end);
  events.push_back(static_cast<Index>(x.size()));
  beam_spot.push_back(from.beam_spot[static_cast<std::size_t>(e)]);
}

void OwnedBatch::append_empty() {
  events.push_back(static_cast<Index>(x.size()));
  beam_spot.push_back({});
}

OwnedBatch read_batch(const std::string& folder, const Detector& detector, std::size_t max_events) {
  OwnedBatch batch;
  for (const EventFile& file : must(find_events(folder))) {
    if (batch.beam_spot.size() == max_events) break;
    const EventHits hits = must(read_hits(file.hits));
    extend(batch.x, hits.x);
    extend(batch.y, hits.y);
    extend(batch.z, hits.z);
    extend(batch.module, must(find_modules(hits, detector)));
    extend(batch.var_u, hits.var_u);
    extend(batch.var_v, hits.var_v);
    extend(batch.size_u, hits.size_u);
    extend(batch.size_v, hits.size_v);
    batch.append_empty();
  }
  return batch;
}

}  // namespace helix::test
