#include "clients/validation/reco.h"

#include "kernels/core/csv.h"
#include "kernels/core/file.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <numeric>
#include <string_view>
#include <utility>

namespace helix::validation {
namespace {

constexpr std::size_t kLeastLabelledHits = 3;

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\"";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t at = 0;;) {
    const auto comma = line.find(',', at);
    fields.push_back(trim(line.substr(at, comma - at)));
    if (comma == std::string_view::npos) return fields;
    at = comma + 1;
  }
}

template <class T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

/// A tracks CSV. CsvReader reads columns of numbers only; here one column is a list, and numbers need not be finite,
/// because a file with such numbers is to be judged, not refused.
class TracksParser {
 public:
  explicit TracksParser(std::string path) : path_(std::move(path)) {}

  Status header(std::string_view line) {
    const auto& known = parameter_columns();
    for (std::string_view field : split(line)) {
      names_.emplace_back(field);
      const bool wanted = std::find(known.begin(), known.end(), names_.back()) != known.end();
      columns_.push_back(wanted ? &tracks_.columns[names_.back()] : nullptr);
    }
    hit_ids_ = static_cast<std::size_t>(std::find(names_.begin(), names_.end(), "hit_ids") - names_.begin());
    return {};
  }
  bool has_hit_ids() const { return hit_ids_ < names_.size(); }

  Status row(std::string_view line, std::size_t number) {
    const auto fields = split(line);
    const std::string place = path_ + ":" + std::to_string(number) + ": ";
    if (fields.size() != names_.size())
      return invalid_argument(place + std::to_string(fields.size()) + " fields, " + std::to_string(names_.size()) +
                              " expected");
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i == hit_ids_) {
        if (Status status = hits(fields[i], place); !status.ok()) return status;
      } else if (columns_[i] != nullptr && !parse(fields[i], columns_[i]->emplace_back())) {
        return invalid_argument(place + "column " + names_[i] + ": \"" + std::string(fields[i]) + "\" is not a number");
      }
    }
    return {};
  }

  RecoTracks take() { return std::move(tracks_); }

 private:
  Status hits(std::string_view list, const std::string& place) {
    while (!(list = trim(list)).empty()) {
      const std::string_view word = list.substr(0, list.find_first_of(" \t"));
      if (!parse(word, tracks_.hit_id.emplace_back()))
        return invalid_argument(place + "column hit_ids: \"" + std::string(word) + "\" is not a whole number");
      list.remove_prefix(word.size());
    }
    tracks_.hit_offsets.push_back(tracks_.hit_id.size());
    return {};
  }

  std::string path_;
  std::vector<std::string> names_;
  std::vector<std::vector<double>*> columns_;  // [fields] nullptr: not read
  std::size_t hit_ids_ = 0;
  RecoTracks tracks_;
};

/// Rows of hits from labels: tracks in rising order of track_id, hits in the order of the file.
RecoTracks group(const std::vector<std::int64_t>& hit_id, const std::vector<std::int64_t>& track_id,
                 const std::vector<char>& keep) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < hit_id.size(); ++i)
    if (keep[i] && track_id[i] > 0) rows.push_back(i);
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return track_id[a] < track_id[b]; });
  RecoTracks tracks;
  for (std::size_t first = 0, last = 0; first < rows.size(); first = last) {
    while (last < rows.size() && track_id[rows[last]] == track_id[rows[first]]) ++last;
    if (last - first < kLeastLabelledHits) continue;
    for (std::size_t i = first; i < last; ++i) tracks.hit_id.push_back(hit_id[rows[i]]);
    tracks.hit_offsets.push_back(tracks.hit_id.size());
  }
  return tracks;
}

/// `event`: only its rows, of a file with a column event_id.
Result<RecoTracks> read_labels(const std::string& path, std::optional<int> event) {
  std::vector<std::int64_t> hit_id, track_id, event_id;
  CsvReader csv("file of tracks (no column hit_ids) or of labels");
  csv.need("hit_id", &hit_id).need("track_id", &track_id).take("event_id", &event_id);
  if (Status status = csv.read(path); !status.ok()) return status;
  std::vector<char> keep(hit_id.size(), 1);
  if (event)
    for (std::size_t i = 0; i < event_id.size(); ++i) keep[i] = event_id[i] == *event;
  return group(hit_id, track_id, keep);
}

Result<RecoTracks> read_tracks(const std::string& path) {
  Result<std::string> text = read_file(path);
  if (!text.ok()) return text.status();
  TracksParser parser(path);
  std::size_t number = 0;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (++number > 1 && trim(line).empty()) continue;
    if (Status status = number == 1 ? parser.header(line) : parser.row(line, number); !status.ok()) return status;
    if (!parser.has_hit_ids()) return read_labels(path, std::nullopt);
  }
  if (number == 0) return invalid_argument(path + ": empty file, not a file of tracks");
  return parser.take();
}

std::string event_base(const std::string& folder, int number) {
  std::string digits = std::to_string(number);
  digits.insert(0, digits.size() < 9 ? 9 - digits.size() : 0, '0');
  return (std::filesystem::path(folder) / ("event" + digits)).string();
}

}  // namespace

const std::vector<std::string>& parameter_columns() {
  static const std::vector<std::string> names{"charge",  "pt",      "eta",    "phi",         "cottheta",
                                              "dxy",     "dz",      "chi2",   "quality",     "vertex_id",
                                              "var_phi", "var_dxy", "var_dz", "var_qoverpt", "var_cottheta"};
  return names;
}

const std::vector<double>* RecoTracks::column(const std::string& name) const {
  const auto found = columns.find(name);
  return found == columns.end() ? nullptr : &found->second;
}

RecoTracks RecoTracks::with_quality(double least) const {
  const std::vector<double>* quality = column("quality");
  if (quality == nullptr) return *this;
  RecoTracks kept;
  for (const auto& [name, unused] : columns) kept.columns[name];
  for (std::size_t track = 0; track < size(); ++track) {
    if (!((*quality)[track] >= least)) continue;
    kept.hit_id.insert(kept.hit_id.end(), hit_id.begin() + static_cast<std::ptrdiff_t>(hit_offsets[track]),
                       hit_id.begin() + static_cast<std::ptrdiff_t>(hit_offsets[track + 1]));
    kept.hit_offsets.push_back(kept.hit_id.size());
    for (const auto& [name, values] : columns) kept.columns[name].push_back(values[track]);
  }
  return kept;
}

Result<std::optional<RecoTracks>> find_tracks(const std::string& folder, int number) {
  const auto found = [](Result<RecoTracks> tracks) -> Result<std::optional<RecoTracks>> {
    if (!tracks.ok()) return tracks.status();
    return std::optional<RecoTracks>(std::move(*tracks));
  };
  for (const char* end : {"-tracks.csv", "-labels.csv", "-submission.csv"})
    if (const auto path = find_file(event_base(folder, number) + end); path.ok()) return found(read_tracks(*path));
  if (const auto path = find_file((std::filesystem::path(folder) / "submission.csv").string()); path.ok())
    return found(read_labels(*path, number));
  return std::optional<RecoTracks>();
}

Result<std::optional<RecoVertices>> find_vertices(const std::string& folder, int number) {
  const auto path = find_file(event_base(folder, number) + "-reco-vertices.csv");
  if (!path.ok()) return std::optional<RecoVertices>();
  RecoVertices v;
  CsvReader csv("reconstructed vertices file");
  csv.need("z", &v.z).take("var_z", &v.var_z).take("sum_pt2", &v.sum_pt2).take("vertex_id", &v.id);
  if (Status status = csv.read(*path); !status.ok()) return status;
  return std::optional<RecoVertices>(std::move(v));
}

}  // namespace helix::validation
