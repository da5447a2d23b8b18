#include "clients/cpp/json_writer.h"
#include "clients/helixctl/plan.h"
#include "helix/bench/v1/figures.pb.h"
#include "kernels/core/comma_list.h"

#include <google/protobuf/util/json_util.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>

namespace helix::helixctl {
namespace {

using server::simulation::Report;
using server::simulation::Scenario;
using server::simulation::SizeShare;

bool parse(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

/// In full, as flags of whole numbers read no exponents.
std::string in_digits(double value) {
  char text[400];
  return {text, std::to_chars(std::begin(text), std::end(text), value, std::chars_format::fixed).ptr};
}

}  // namespace

Result<std::vector<SizeShare>> parse_sizes(const std::string& text) {
  std::vector<SizeShare> sizes;
  for (const std::string_view entry : comma_list(text)) {
    const std::size_t colon = std::min(entry.find(':'), entry.size());
    SizeShare size;
    const bool read = parse(entry.substr(0, colon), size.hits) &&
                      (colon == entry.size() || parse(entry.substr(colon + 1), size.share));
    if (!read || !(size.hits >= 0 && size.hits <= 1e9) || !(size.share > 0 && size.share <= 1e9))
      return invalid_argument("\"" + std::string(entry) + "\" is not HITS or HITS:SHARE");
    sizes.push_back(size);
  }
  return sizes;
}

Result<std::vector<Measured>> read_bench(const std::string& json) {
  bench::v1::Figures figures;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (const auto parsed = google::protobuf::util::JsonStringToMessage(json, &figures, options); !parsed.ok())
    return invalid_argument("is not what `helixctl bench --json` writes: " + parsed.ToString());
  const auto& service = figures.service();
  if (!service.has_fixed_ms() || !service.has_per_kilohit_ms() || !figures.has_lanes() ||
      !figures.load().has_hits_per_request())
    return invalid_argument(
        "has no service.fixed_ms, service.per_kilohit_ms, lanes and load.hits_per_request as `helixctl bench --json` "
        "writes them after batches of several sizes");
  return std::vector<Measured>{{"--lanes", in_digits(figures.lanes())},
                               {"--fixed-ms", in_digits(service.fixed_ms())},
                               {"--per-kilohit-ms", in_digits(service.per_kilohit_ms())},
                               {"--hits", in_digits(std::floor(figures.load().hits_per_request()))}};
}

std::string plan_text(const Scenario& scenario, const Report& report) {
  char text[1024];
  const auto& all = report.all;
  const auto& clients = scenario.groups[0];
  std::snprintf(text, sizeof text,
                "clients          %d, %s\n"
                "lanes            %d, %g ms a batch and %g ms for 1000 hits\n"
                "throughput       %.1f requests/s, %.0f hits/s\n"
                "latency          p50 %.1f ms, p90 %.1f ms, p99 %.1f ms\n"
                "lanes used       %.1f %%, %.1f events in a batch\n"
                "of %llu requests  %llu answered in time, %llu too late, %llu expired waiting\n"
                "turned away      %llu times full, %llu with a deadline that could not be met\n"
                "most waiting     %zu\n",
                clients.clients, clients.rate > 0 ? "at a rate" : "each waits for its answer", scenario.lanes,
                scenario.lane.fixed_ms, scenario.lane.per_kilohit_ms, report.requests_per_s, report.hits_per_s,
                all.p50_ms, all.p90_ms, all.p99_ms, 100 * report.lane_share, report.batch_events,
                static_cast<unsigned long long>(all.sent), static_cast<unsigned long long>(all.completed),
                static_cast<unsigned long long>(all.late), static_cast<unsigned long long>(all.expired),
                static_cast<unsigned long long>(all.full), static_cast<unsigned long long>(all.hopeless),
                report.most_waiting);
  return text;
}

std::string plan_json(const Scenario& scenario, const std::string& hits, const Report& report) {
  JsonWriter json;
  const auto& clients = scenario.groups[0];
  json.open('{').key("clients").value(clients.clients).key("rate").value(clients.rate);
  json.key("think_ms").value(clients.think_ms).key("deadline_ms").value(clients.deadline_ms);
  json.key("hits").value(hits).key("lanes").value(scenario.lanes);
  json.key("fixed_ms").value(scenario.lane.fixed_ms).key("per_kilohit_ms").value(scenario.lane.per_kilohit_ms);
  json.key("seconds").value(scenario.seconds).key("seed").value(scenario.seed);
  json.key("requests_per_s").value(report.requests_per_s).key("hits_per_s").value(report.hits_per_s);
  json.key("latency_ms").open('{').key("p50").value(report.all.p50_ms).key("p90").value(report.all.p90_ms);
  json.key("p99").value(report.all.p99_ms).close('}');
  json.key("lane_share").value(report.lane_share).key("batch_events").value(report.batch_events);
  json.key("sent").value(report.all.sent).key("completed").value(report.all.completed);
  json.key("late").value(report.all.late).key("expired").value(report.all.expired);
  json.key("rejected_full").value(report.all.full).key("rejected_deadline").value(report.all.hopeless);
  json.key("most_waiting").value(static_cast<std::uint64_t>(report.most_waiting)).close('}');
  return json.text();
}

}  // namespace helix::helixctl
