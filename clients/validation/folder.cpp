#include "clients/validation/folder.h"

#include "kernels/core/file.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>

namespace helix::validation {
namespace {

namespace fs = std::filesystem;

constexpr std::ptrdiff_t kPhase1Modules = 1856;

/// Number of eventN-truth.csv(.gz), or -1.
int event_number(std::string_view name) {
  constexpr std::string_view start = "event";
  if (!name.starts_with(start)) return -1;
  name.remove_prefix(start.size());
  int number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const std::string_view rest = name.substr(static_cast<std::size_t>(end - name.data()));
  return error == std::errc{} && (rest == "-truth.csv" || rest == "-truth.csv.gz") ? number : -1;
}

}  // namespace

Result<std::vector<std::pair<int, std::string>>> find_events(const std::string& folder) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) return not_found(folder + ": " + error.message());
  std::vector<std::pair<int, std::string>> found;
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (const int number = event_number(name); number >= 0)
      found.emplace_back(number, (entry.path().parent_path() / name.substr(0, name.find("-truth.csv"))).string());
  }
  if (found.empty()) return not_found("no event*-truth.csv in " + folder);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  found.erase(std::unique(found.begin(), found.end()), found.end());  // both .csv and .csv.gz are there
  return found;
}

double guess_field(const std::string& folder) {
  const auto path = find_file((fs::path(folder) / "detectors.csv").string());
  if (!path.ok()) return 3.8;
  const auto text = read_file(*path);
  if (!text.ok()) return 3.8;
  const bool open_end = !text->empty() && text->back() != '\n';
  const auto lines = std::count(text->begin(), text->end(), '\n') + open_end;
  return lines == kPhase1Modules + 1 ? 3.8 : 2.0;
}

Result<Totals> score_folders(const std::string& events, const std::string& tracks, const Cuts& cuts, const Frame& frame,
                             bool skip_missing) {
  const auto found = find_events(events);
  if (!found.ok()) return found.status();
  Scorer scorer(cuts, frame);
  bool any = false;
  for (const auto& [number, prefix] : *found) {
    const auto reco = find_tracks(tracks, number);
    if (!reco.ok()) return reco.status();
    if (!*reco && skip_missing) continue;
    const auto vertices = find_vertices(tracks, number);
    if (!vertices.ok()) return vertices.status();
    const auto truth = read_truth(prefix);
    if (!truth.ok()) return truth.status();
    if (*reco)
      scorer.add(*truth, **reco, *vertices);
    else
      scorer.add_missing(*truth, *vertices);
    any = any || reco->has_value();
  }
  if (!any) return not_found("no tracks for any of " + std::to_string(found->size()) + " events in " + tracks);
  return scorer.totals();
}

}  // namespace helix::validation
