#include "clients/helixctl/event_run.h"

#include "clients/helixctl/event_batch.h"

#include <filesystem>
#include <utility>

namespace helix::helixctl {

EventRun::EventRun(EventRunOptions options, Reconstructor& reconstructor, Progress& progress)
    : options_(std::move(options)), reconstructor_(reconstructor), progress_(progress) {}

EventRunTotals EventRun::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

void EventRun::unreadable(const Status& status) {
  progress_.say("helixctl: " + status.message());
  const std::lock_guard lock(mutex_);
  ++totals_.unreadable;
}

void EventRun::fail(Span<const Event> events, const Status& status) {
  for (const Event& event : events) progress_.say("helixctl: " + event.file->name + ": " + status.message());
  progress_.advance(events.size());
  const std::lock_guard lock(mutex_);
  totals_.failed += static_cast<std::int64_t>(events.size());
  if (status.code() == Code::unavailable) totals_.server_lost = true;
}

void EventRun::run(Span<const EventFile> files) {
  const std::vector<Event> events = read(files);
  for (std::size_t first = 0, last = 0; first < events.size(); first = last) {
    while (last < events.size() && same_columns(events[first].hits, events[last].hits)) ++last;
    reconstruct(Span<const Event>(events).subspan(first, last - first));
  }
}

std::vector<EventRun::Event> EventRun::read(Span<const EventFile> files) {
  std::vector<Event> events;
  for (const EventFile& file : files) {
    Result<EventHits> hits = read_hits(file.hits);
    if (hits.ok()) {
      keep_columns(*hits, options_.hit_columns);
      events.push_back({&file, std::move(*hits)});
    } else {
      unreadable(hits.status());
      progress_.advance(1);
    }
  }
  return events;
}

void EventRun::reconstruct(Span<const Event> events) {
  // A call that failed for want of a server has tried for long already: the others need not wait as long again.
  if (totals().server_lost) return fail(events, unavailable("not sent: the server is gone"));
  const Result<Reconstruction> result = call(events);
  if (result.ok()) {
    for (std::size_t row = 0; row < events.size(); ++row) write(events[row], *result, static_cast<Index>(row));
  } else if (events.size() == 1 || result.status().code() == Code::unavailable) {
    fail(events, result.status());
  } else {
    for (std::size_t i = 0; i < events.size(); ++i) reconstruct(events.subspan(i, 1));  // finds the guilty one
  }
}

Result<Reconstruction> EventRun::call(Span<const Event> events) {
  std::vector<const EventHits*> hits;
  for (const Event& event : events) hits.push_back(&event.hits);
  const EventBatch batch({hits.data(), hits.size()});
  ReconstructCall call;
  call.pipeline = options_.pipeline;
  call.request_id = events[0].file->name;
  call.hits = batch.hits();
  if (options_.beam_spot) call.hits.beam_spot = {&*options_.beam_spot, 1};
  call.min_quality = options_.min_quality;
  return reconstructor_.reconstruct(call);
}

void EventRun::write(const Event& event, const Reconstruction& result, Index row) {
  const std::string base = (std::filesystem::path(options_.out) / event.file->name).string();
  Status status = write_tracks(base + "-tracks.csv", event.hits.hit_id, result.tracks, row);
  if (status.ok()) status = write_vertices(base + "-reco-vertices.csv", result.vertices, row);
  if (status.ok() && options_.labels)
    status = write_labels(base + "-labels.csv", event.hits.hit_id, result.tracks, row);
  if (!status.ok()) return fail({&event, 1}, status);
  progress_.advance(1);
  const std::lock_guard lock(mutex_);
  ++totals_.written;
  totals_.hits += static_cast<std::int64_t>(event.hits.size());
  totals_.tracks += result.tracks.event_offsets[row + 1] - result.tracks.event_offsets[row];
  totals_.vertices += result.vertices.event_offsets[row + 1] - result.vertices.event_offsets[row];
}

}  // namespace helix::helixctl
