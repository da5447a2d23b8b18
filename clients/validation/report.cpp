#include "clients/validation/report.h"

#include "clients/cpp/format.h"

#include <algorithm>
#include <ostream>

namespace helix::validation {

const std::vector<double> kPtEdges{0.3, 0.5, 0.7, 0.9, 1.2, 1.6, 2, 3, 5, 10, 20, 50, 1000};
const std::vector<double> kEtaEdges{-4, -3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4};
const std::vector<double> kRadiusEdges{0, 0.1, 0.5, 2, 5, 10, 20, 30, 50, 100, 200, 1000};

namespace {

std::string percent(std::optional<double> rate) { return rate ? format("%.2f %%", 100 * *rate) : "-"; }

void print_rates(std::ostream& out, const Totals& t) {
  const std::int64_t fakes = t.tracks - t.matched;
  out << "events " << t.events;
  if (t.missing_events > 0) out << " (no output for " << t.missing_events << ")";
  out << "\nefficiency      " << percent(ratio(t.found, t.particles)) << "  (" << t.found << " of " << t.particles
      << ")\n"
      << "fake rate       " << percent(ratio(fakes, t.tracks)) << "  (" << fakes << " of " << t.tracks << " tracks)";
  if (t.parameters) out << ", in acceptance " << percent(ratio(t.fakes_in, t.tracks_in));
  out << "\nduplicate rate  " << percent(ratio(t.duplicates, t.tracks));
  if (t.parameters) out << ", in acceptance " << percent(ratio(t.duplicates_in, t.tracks_in));
  out << format("\nTrackML score   %.4f\n",
                t.trackml / static_cast<double>(std::max<std::int64_t>(t.weighed_events, 1)));
}

void print_hits(std::ostream& out, const Totals& t) {
  out << "hit purity      " << percent(ratio(t.right_hits, t.matched_hits)) << ", hit efficiency "
      << percent(ratio(t.hit_share, t.hit_share_n))
      << format(", hits a track %.2f", ratio(t.track_hits, t.tracks).value_or(0));
  if (t.charge_all > 0) out << ", charge right " << percent(ratio(t.charge_right, t.charge_all));
  out << "\n";
  if (t.unknown_hits > 0) out << "warning: unknown hit ids: " << t.unknown_hits << "\n";
  if (t.repeated_hits > 0) out << "warning: repeated hits: " << t.repeated_hits << "\n";
  if (t.not_finite > 0) out << "warning: parameters not finite: " << t.not_finite << "\n";
}

/// One table; fakes and duplicates (of tracks) are left out where there are none to show.
void print_table(std::ostream& out, const char* name, const Binned& found, const Binned* fake,
                 const Binned* duplicate) {
  out << format("%-8s %19s", name, "efficiency") << (fake ? "        fake   duplicate" : "") << "\n";
  for (std::size_t i = 0; i < found.total.size(); ++i) {
    if (found.total[i] == 0 && !(fake && fake->total[i] > 0)) continue;
    out << format("  %6.1f .. %6.1f %10s of %6lld", found.edges[i], found.edges[i + 1], percent(found.rate(i)).c_str(),
                  static_cast<long long>(found.total[i]));
    if (fake) out << format("%10s%10s", percent(fake->rate(i)).c_str(), percent(duplicate->rate(i)).c_str());
    out << "\n";
  }
}

Binned binned(const Totals::Passed& column, const std::vector<double>& edges) {
  return bin(column.value, column.passed, edges);
}

void print_tables(std::ostream& out, const Totals& t) {
  const Binned fake_pt = binned(t.fake_pt, kPtEdges), duplicate_pt = binned(t.duplicate_pt, kPtEdges);
  const Binned fake_eta = binned(t.fake_eta, kEtaEdges), duplicate_eta = binned(t.duplicate_eta, kEtaEdges);
  const auto shown = [&](const Binned& b) { return t.parameters ? &b : nullptr; };
  print_table(out, "pt", binned(t.found_pt, kPtEdges), shown(fake_pt), shown(duplicate_pt));
  print_table(out, "eta", binned(t.found_eta, kEtaEdges), shown(fake_eta), shown(duplicate_eta));
  print_table(out, "radius", binned(t.found_radius, kRadiusEdges), nullptr, nullptr);
}

void print_resolution(std::ostream& out, const std::string& parameter, const Residuals& residuals) {
  const auto d = describe(residuals.value);
  if (!d) return;
  const bool relative = parameter == "pt";
  const double scale = relative ? 100 : 1e3;
  const char* unit = relative ? "%" : parameter == "phi" ? "mrad" : parameter == "cottheta" ? "1e-3" : "um";
  out << format("%-10s core %9.3f %s, bias %+.3f", (parameter + (relative ? " rel." : "")).c_str(),
                scale * d->core.value_or(d->sigma68), unit, scale * d->median);
  if (const auto p = describe(residuals.pull)) out << format("; pull %+.3f +- %.3f", p->median, p->sigma68);
  out << "\n";
}

void print_vertices(std::ostream& out, const VertexMatches& v) {
  out << "vertices: efficiency " << percent(ratio(v.found, v.accepted)) << " of " << v.accepted << ", signal "
      << percent(ratio(v.signal_found, v.signal)) << "; reconstructed " << v.reco << ", merged "
      << percent(ratio(v.merged, v.accepted)) << ", split " << percent(ratio(v.split, v.reco)) << ", fake "
      << percent(ratio(v.fake, v.reco)) << "\n";
  const auto line = [&](const char* name, const std::vector<double>& values, double scale, const char* unit) {
    if (const auto d = describe(values))
      out << format("  %s: %.2f%s, bias %+.2f\n", name, scale * d->sigma68, unit, scale * d->median);
  };
  line("z resolution", v.dz, 1e3, " um");
  line("z resolution, signal", v.dz_signal, 1e3, " um");
  line("z pull", v.pull, 1, "");
  out << "  largest sum pt2 is the signal: " << percent(ratio(v.first_is_signal, v.first_known))
      << "; tracks at the right vertex: " << percent(ratio(v.right, v.assigned)) << "\n";
}

}  // namespace

std::optional<double> ratio(double part, double whole) {
  if (whole == 0) return std::nullopt;
  return part / whole;
}

void print(std::ostream& out, const Totals& totals) {
  print_rates(out, totals);
  print_hits(out, totals);
  print_tables(out, totals);
  for (const std::string& parameter : kParameters)
    if (const auto found = totals.residuals.find(parameter); found != totals.residuals.end())
      print_resolution(out, parameter, found->second);
  if (totals.vertices.events > 0) print_vertices(out, totals.vertices);
}

}  // namespace helix::validation
