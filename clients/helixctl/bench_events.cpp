#include "clients/helixctl/bench_events.h"

#include "clients/bench/arrivals.h"

#include <utility>

namespace helix::helixctl {

void BenchEvents::add(std::string name, const HitColumns& hits, const BenchEventOptions& options) {
  ReconstructCall call;
  call.pipeline = options.pipeline;
  call.hits = hits;
  call.min_quality = options.min_quality;
  payloads.push_back(bench::make_payload(std::move(name), call));
}

/// A request begins with each event in turn and goes on with those behind it.
Status BenchEvents::add_files(const std::string& argument, const BenchEventOptions& options,
                              const std::vector<std::string>& columns) {
  const Result<std::vector<EventFile>> files = find_events(argument);
  if (!files.ok()) return files.status();
  const std::size_t first = events_.size(), n = files->size();
  for (const EventFile& file : *files) {
    Result<EventHits> hits = read_hits(file.hits);
    if (!hits.ok()) return hits.status();
    keep_columns(*hits, columns);
    events_.push_back(std::make_unique<EventHits>(std::move(*hits)));
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<const EventHits*> together;
    for (std::size_t k = 0; k < options.events_per_request; ++k) {
      together.push_back(events_[first + (i + k) % n].get());
      if (!same_columns(*together.front(), *together.back()))
        return invalid_argument(together.front()->path + " and " + together.back()->path +
                                " have not the same columns and cannot be in one request");
    }
    batches_.push_back(std::make_unique<EventBatch>(Span<const EventHits* const>(together.data(), together.size())));
    add((*files)[i].name, batches_.back()->hits(), options);
  }
  return {};
}

void BenchEvents::add_random(int n_hits, const BenchEventOptions& options, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  auto hits = std::make_unique<RandomHits>();
  const std::size_t n = static_cast<std::size_t>(n_hits) * options.events_per_request;
  for (std::size_t i = 0; i < n; ++i)
    for (std::vector<float>* column : {&hits->x, &hits->y, &hits->z})
      column->push_back(static_cast<float>(bench::uniform(random) * 200 - 100));
  hits->module.resize(n);
  for (std::size_t event = 0; event <= options.events_per_request; ++event)
    hits->offsets.push_back(static_cast<std::uint32_t>(event * static_cast<std::size_t>(n_hits)));
  HitColumns columns;
  columns.x = hits->x, columns.y = hits->y, columns.z = hits->z;
  columns.module_index = hits->module;
  columns.event_offsets = hits->offsets;
  add(std::to_string(n_hits) + " random hits", columns, options);
  random_.push_back(std::move(hits));
}

Result<BenchEvents> BenchEvents::read(const BenchEventOptions& options, const std::vector<std::string>& columns,
                                      std::uint64_t seed) {
  const std::size_t n_kinds = options.arguments.size() + options.hits.size();
  if (n_kinds == 0) return invalid_argument("no events: name files, or --hits N for events at random");
  if (!options.mix.empty() && options.mix.size() != n_kinds)
    return invalid_argument("--mix has " + std::to_string(options.mix.size()) + " weights for " +
                            std::to_string(n_kinds) + " kinds of events");
  BenchEvents out;
  for (std::size_t kind = 0; kind < n_kinds; ++kind) {
    const std::size_t before = out.payloads.size();
    if (kind < options.arguments.size()) {
      if (Status status = out.add_files(options.arguments[kind], options, columns); !status.ok()) return status;
    } else {
      out.add_random(options.hits[kind - options.arguments.size()], options, seed + kind);
    }
    const auto n = static_cast<double>(out.payloads.size() - before);
    if (!options.mix.empty()) out.weights.resize(out.payloads.size(), options.mix[kind] / n);
  }
  return out;
}

}  // namespace helix::helixctl
