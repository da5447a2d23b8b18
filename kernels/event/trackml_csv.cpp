#include "kernels/event/trackml_csv.h"

#include "kernels/core/csv.h"
#include "kernels/core/file.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

namespace helix {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHits = "-hits.csv", kHitsGzip = "-hits.csv.gz";

/// Rows of the first two equal ids, in the order of the file; equal numbers: all ids differ.
std::pair<std::size_t, std::size_t> find_twins(const std::vector<std::int64_t>& id) {
  if (std::adjacent_find(id.begin(), id.end(), std::greater_equal<>()) == id.end()) return {0, 0};
  std::vector<std::size_t> row(id.size());
  std::iota(row.begin(), row.end(), std::size_t{0});
  std::stable_sort(row.begin(), row.end(), [&](std::size_t a, std::size_t b) { return id[a] < id[b]; });
  std::pair<std::size_t, std::size_t> first{0, 0};
  for (std::size_t i = 1; i < row.size(); ++i)
    if (id[row[i - 1]] == id[row[i]] && (first.second == 0 || row[i] < first.second)) first = {row[i - 1], row[i]};
  return first;
}

Status check_couple(const std::string& path, const char* a, bool has_a, const char* b, bool has_b) {
  if (has_a == has_b) return {};
  return invalid_argument(path + ": no column " + (has_a ? b : a) + ", but " + (has_a ? a : b));
}

/// Hits of TrackML have an id and a module; space points of ACTS have a measurement_id, and no module.
Status check_identity(EventHits& hits, std::vector<std::int64_t>& measurement_id) {
  const auto missing = [&](const char* column) {
    return invalid_argument(hits.path + ": not a TrackML hits file: no column " + column);
  };
  const bool space_points = hits.hit_id.empty() && !measurement_id.empty();
  if (space_points) hits.hit_id = std::move(measurement_id);
  if (hits.hit_id.size() != hits.x.size()) return missing("hit_id");
  const bool any = !hits.volume_id.empty() || !hits.layer_id.empty() || !hits.module_id.empty();
  if (space_points && !any) return {};
  if (hits.x.empty()) return {};
  if (hits.volume_id.empty()) return missing("volume_id");
  if (hits.layer_id.empty()) return missing("layer_id");
  if (hits.module_id.empty()) return missing("module_id");
  return {};
}

bool strip(std::string& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.resize(text.size() - end.size());
  return true;
}

EventFile event_of(const fs::path& hits) {
  std::string prefix = hits.string();
  if (!strip(prefix, kHitsGzip) && !strip(prefix, kHits)) {
    strip(prefix, ".gz");
    strip(prefix, ".csv");
  }
  return {fs::path(prefix).filename().string(), prefix, hits.string()};
}

Result<std::vector<EventFile>> events_in(const std::string& folder) {
  std::vector<EventFile> events;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string file = at->path().filename().string();
    if (file.starts_with("event") && (file.ends_with(kHits) || file.ends_with(kHitsGzip)))
      events.push_back(event_of(at->path()));
  }
  if (error) return not_found(folder + ": " + error.message());
  if (events.empty()) return not_found(folder + ": no event*-hits.csv in this folder");
  // An event that is there both plain and compressed counts once, as the plain file, whose name is shorter.
  std::sort(events.begin(), events.end(), [](const EventFile& a, const EventFile& b) {
    return std::pair(a.name, a.hits.size()) < std::pair(b.name, b.hits.size());
  });
  const auto same = [](const EventFile& a, const EventFile& b) { return a.name == b.name; };
  events.erase(std::unique(events.begin(), events.end(), same), events.end());
  return events;
}

}  // namespace

Result<EventHits> read_hits(const std::string& path) {
  EventHits hits;
  hits.path = path;
  std::vector<std::int64_t> measurement_id;
  CsvReader csv("TrackML hits file");
  csv.take("hit_id", &hits.hit_id).take("measurement_id", &measurement_id);
  csv.need("x", &hits.x).need("y", &hits.y).need("z", &hits.z);
  csv.take("volume_id", &hits.volume_id).take("layer_id", &hits.layer_id).take("module_id", &hits.module_id);
  csv.take("module_index", &hits.module_index).take("local_u", &hits.local_u).take("local_v", &hits.local_v);
  csv.take("var_u", &hits.var_u).take("var_v", &hits.var_v);
  csv.take("size_u", &hits.size_u).take("size_v", &hits.size_v).take("charge", &hits.charge);
  if (Status status = csv.read(path); !status.ok()) return status;
  if (Status status = check_identity(hits, measurement_id); !status.ok()) return status;
  if (const auto [first, second] = find_twins(hits.hit_id); first != second)
    return invalid_argument(path + ":" + std::to_string(csv.line(second)) +
                            ": column hit_id: " + std::to_string(hits.hit_id[second]) + " is in line " +
                            std::to_string(csv.line(first)) + " too");
  if (hits.size() == 0) return hits;
  Status status = check_couple(path, "var_u", !hits.var_u.empty(), "var_v", !hits.var_v.empty());
  if (status.ok()) status = check_couple(path, "size_u", !hits.size_u.empty(), "size_v", !hits.size_v.empty());
  if (!status.ok()) return status;
  return hits;
}

Result<std::vector<std::uint32_t>> find_modules(const EventHits& hits, const Detector& detector) {
  std::vector<std::uint32_t> rows(hits.size());
  const std::size_t i = detector.find_modules(hits.volume_id, hits.layer_id, hits.module_id, rows);
  if (i == rows.size()) return rows;
  return invalid_argument(hits.path + ": hit_id " + std::to_string(hits.hit_id[i]) + " is on volume_id " +
                          std::to_string(hits.volume_id[i]) + ", layer_id " + std::to_string(hits.layer_id[i]) +
                          ", module_id " + std::to_string(hits.module_id[i]) + ": no such module in geometry " +
                          detector.name);
}

Result<std::vector<EventFile>> find_events(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return events_in(path);
  if (fs::exists(path, error)) return std::vector<EventFile>{event_of(path)};
  if (const Result<std::string> hits = find_file(path + std::string(kHits)); hits.ok())
    return std::vector<EventFile>{event_of(*hits)};
  return not_found(path + ": no such file or folder, nor " + path + std::string(kHits));
}

}  // namespace helix
