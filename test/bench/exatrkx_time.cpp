// Times the exatrkx engine on an event, for scripts/compare-exatrkx:
//
//   helix_exatrkx_time MODEL EVENT THREADS REPEATS [LABELS]
//
// MODEL is a folder, EVENT a hits file or a CSV of space points, THREADS of the CPU or "cuda". Prints one JSON object:
// hits, edges of each step, and for each repeat the nanoseconds of the whole and of each stage. The first run, which
// warms up, is not among them. LABELS is a file that gets the track of each hit, -1: none.
#include "kernels/event/trackml_csv.h"
#include "kernels/event/validate.h"
#include "kernels/exatrkx/engine.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace helix {
namespace {

[[noreturn]] void fail(const Status& status) {
  std::cerr << "helix_exatrkx_time: " << status.message() << "\n";
  std::exit(2);
}

template <class T>
T take(Result<T> result) {
  if (!result.ok()) fail(result.status());
  return *std::move(result);
}

HitBatch view(const EventHits& hits, const std::vector<Index>& offsets, const std::vector<BeamSpot>& spot) {
  HitBatch batch;
  batch.x = hits.x, batch.y = hits.y, batch.z = hits.z;
  batch.var_u = hits.var_u, batch.var_v = hits.var_v;
  batch.size_u = hits.size_u, batch.size_v = hits.size_v;
  batch.charge = hits.charge, batch.local_u = hits.local_u, batch.local_v = hits.local_v;
  batch.events = {offsets};
  batch.beam_spot = spot;
  return batch;
}

void write_labels(const std::string& path, const Tracks& tracks, std::size_t n_hits) {
  std::vector<Index> label(n_hits, -1);
  for (Index t = 0; t < tracks.n_tracks(); ++t)
    for (Index k = tracks.hit_offsets[t]; k < tracks.hit_offsets[t + 1]; ++k)
      label[static_cast<std::size_t>(tracks.hit[k])] = t;
  std::ofstream file(path);
  for (const Index value : label) file << value << "\n";
  if (!file.flush()) fail(invalid_argument(path + ": cannot be written"));
}

void print_run(const BatchResult& result, bool first) {
  std::printf("%s{\"compute\": %lld", first ? "" : ", ", static_cast<long long>(result.compute.count()));
  for (const StageTime& stage : result.stages)
    std::printf(", \"%s\": %lld", stage.stage.c_str(), static_cast<long long>(stage.time.count()));
  std::printf("}");
}

std::unique_ptr<Engine> make_engine(const exatrkx::Model& model, const std::string& threads) {
  EngineOptions options;
  options.memory_budget = std::size_t{16} << 30;
  if (threads == "cuda") {
    const std::size_t for_networks = options.memory_budget / 2;
    options.memory_budget -= for_networks;
    return take(make_exatrkx_cuda_engine(
        model, take(exatrkx::load_cuda_networks(model, {}, options.device, for_networks)), options));
  }
  options.threads = std::atoi(threads.c_str());
  return make_exatrkx_engine(model, take(exatrkx::load_networks(model)), options);
}

int run(const std::vector<std::string>& arguments) {
  const exatrkx::Model model = take(exatrkx::load_model(arguments[0]));
  const EventHits hits = take(read_hits(arguments[1]));
  const int repeats = std::atoi(arguments[3].c_str());
  const auto engine = make_engine(model, arguments[2]);
  const std::vector<Index> offsets{0, static_cast<Index>(hits.size())};
  const std::vector<BeamSpot> spot(1);
  const HitBatch batch = view(hits, offsets, spot);
  if (Status status = check_present(batch, exatrkx::columns_of(model), model.name); !status.ok()) fail(status);
  const BatchResult warm = take(engine->run(batch));
  const EventCounters& n = warm.counters.front();
  std::printf("{\"hits\": %d, \"neighbours\": %d, \"filtered\": %d, \"tracks\": %d, \"runs\": [", n.hits, n.doublets,
              n.cells, n.tracks);
  for (int i = 0; i < repeats; ++i) print_run(take(engine->run(batch)), i == 0);
  std::printf("]}\n");
  if (arguments.size() > 4) write_labels(arguments[4], warm.tracks, hits.size());
  return 0;
}

}  // namespace
}  // namespace helix

int main(int argc, char** argv) {
  if (argc < 5 || argc > 6) {
    std::cerr << "usage: helix_exatrkx_time MODEL EVENT THREADS REPEATS [LABELS]\n";
    return 2;
  }
  return helix::run({argv + 1, argv + argc});
}
