#pragma once

#include "clients/cpp/reconstruction.h"
#include "clients/helixctl/progress.h"
#include "kernels/event/trackml_csv.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace helix::helixctl {

/// What to do with each event.
struct EventRunOptions {
  std::string pipeline = "patatrack";
  std::string out;                       // folder, which exists
  bool labels = false;                   // write a TrackML submission too
  std::vector<std::string> hit_columns;  // optional columns that are sent, where the files have them
  std::optional<BeamSpot> beam_spot;
  std::optional<std::uint32_t> min_quality;
};

/// What came of the events so far.
struct EventRunTotals {
  std::int64_t written = 0, hits = 0, tracks = 0, vertices = 0;  // events; of these
  std::int64_t unreadable = 0, failed = 0;                       // events
  bool server_lost = false;
};

/// Reads, reconstructs and writes events; what goes wrong with one is said and counted, and does not touch the others.
/// Thread-safe: batches may run at the same time.
class EventRun {
 public:
  EventRun(EventRunOptions options, Reconstructor& reconstructor, Progress& progress);

  /// These events in one request, as far as they can be.
  void run(Span<const EventFile> files);

  /// An event that could not even be found.
  void unreadable(const Status& status);

  EventRunTotals totals() const;

 private:
  struct Event {
    const EventFile* file;
    EventHits hits;
  };
  std::vector<Event> read(Span<const EventFile> files);
  void reconstruct(Span<const Event> events);
  Result<Reconstruction> call(Span<const Event> events);
  void write(const Event& event, const Reconstruction& result, Index row);
  void fail(Span<const Event> events, const Status& status);

  const EventRunOptions options_;
  Reconstructor& reconstructor_;
  Progress& progress_;
  mutable std::mutex mutex_;  // guards totals_
  EventRunTotals totals_;
};

}  // namespace helix::helixctl
