#include "clients/helixctl/bench_report.h"

#include "clients/cpp/format.h"

#include <algorithm>
#include <iterator>

namespace helix::helixctl {
namespace {

using bench::Latencies;

using bench::milliseconds;

std::string headline(const BenchReport& r) {
  const std::string load = r.load.rate > 0 ? format("open loop, %g requests/s", r.load.rate)
                                           : format("closed loop, %d clients", r.load.clients);
  return r.target + ": " + load + ", " + r.pipeline.provenance.pipeline +
         format(", %lld events of %.0f hits in a request, %g s\n", static_cast<long long>(r.events_per_request),
                r.mean_hits / static_cast<double>(r.events_per_request), r.result.seconds);
}

std::string codes(const bench::LoadResult& result) {
  std::string out = format("requests    %lld", static_cast<long long>(result.sent));
  for (const auto& [code, of_code] : result.codes)
    out += format(", %lld %s", static_cast<long long>(of_code.count), name_of(code));
  out += "\n";
  if (result.not_sent > 0)
    out += format("  %lld more were due, but this client cannot send so many: they were not sent\n",
                  static_cast<long long>(result.not_sent));
  for (const auto& [code, of_code] : result.codes)
    if (code != grpc::StatusCode::OK)
      out += format("  %s after p50 %.2f ms, p99 %.2f ms: ", name_of(code), milliseconds(of_code.latency.quantile(0.5)),
                    milliseconds(of_code.latency.quantile(0.99))) +
             of_code.first_error + "\n";
  if (result.differ_in_all > 0)
    out += std::to_string(result.differ_in_all) + " answers differ, the first: " + result.first_difference + "\n";
  return out;
}

std::string latency(const bench::LoadResult& result, bool open) {
  const Latencies& all = result.latency();
  std::string out = format("latency     p50 %.3f ms, p90 %.3f, p99 %.3f, max %.3f\n", milliseconds(all.quantile(0.5)),
                           milliseconds(all.quantile(0.9)), milliseconds(all.quantile(0.99)), milliseconds(all.max()));
  if (open)
    out += format("            sent late by p99 %.3f ms, which is part of it; %lld under way at most\n",
                  milliseconds(result.lag.quantile(0.99)), static_cast<long long>(result.most_under_way));
  return out;
}

std::string split(const bench::LoadResult& result) {
  if (result.latency().count() == 0) return {};
  const auto part = [](const char* name, const Latencies& times) {
    return format("%s %.3f (%.3f)", name, milliseconds(times.mean()), milliseconds(times.quantile(0.99)));
  };
  const bench::ServerTimes& s = result.server;
  return "server      mean (p99), ms: " + part("queue", s.queue) + part(", batch", s.batch) +
         part(", copy in", s.copy_in) + part(", compute", s.compute) + part(", copy out", s.copy_out) +
         format("; %.1f events a batch\n",
                static_cast<double>(s.batch_events) / static_cast<double>(result.latency().count()));
}

std::string service(const BenchReport& report) {
  const auto cost = report.result.service.cost();
  if (!cost) return {};
  std::string devices;
  for (const std::string& device : report.pipeline.devices) devices += (devices.empty() ? "" : "; ") + device;
  return format("a batch     %.3f ms and %.4f ms a kilohit (least squares over %.0f batches); %zu lane(s): ",
                cost->fixed_ms, cost->per_kilohit_ms, report.result.service.batches(), report.pipeline.devices.size()) +
         devices + "\n";
}

std::string use(const BenchReport& report) {
  const BenchUse& use = report.use;
  const double n = static_cast<double>(std::max<std::int64_t>(report.result.ok, 1));
  std::string out = format("CPU time    client %.3f ms a request", use.client_cpu_seconds * 1000 / n);
  if (use.server_cpu_seconds) out += format(", server %.3f ms", *use.server_cpu_seconds * 1000 / n);
  if (use.server_at_end)
    out += format("; server's memory %.0f MiB, at most %.0f MiB", use.server_at_end->rss_mib,
                  use.server_at_end->most_rss_mib);
  return out + "\n";
}

std::string row(const bench::LoadPoint& p) {
  return format("%12.1f %12.3f %12.3f %10lld\n", p.rate, p.p50, p.p99, static_cast<long long>(p.failed));
}

}  // namespace

const char* name_of(grpc::StatusCode code) {
  static constexpr const char* kNames[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  const auto row = static_cast<std::size_t>(code);
  return row < std::size(kNames) ? kNames[row] : "UNKNOWN";
}

std::string text(const BenchReport& report) {
  const bench::LoadResult& r = report.result;
  const double s = r.seconds;
  return headline(report) + codes(r) +
         format("throughput  %.1f requests/s, %.1f events/s, %.0f hits/s\n", static_cast<double>(r.ok) / s,
                static_cast<double>(r.events) / s, static_cast<double>(r.hits) / s) +
         latency(r, report.load.rate > 0) + split(r) + service(report) + use(report);
}

std::string text(const bench::Saturation& found) {
  std::string out = "     clients   requests/s       p50, ms      p99, ms     failed\n";
  for (const bench::LoadPoint& point : found.closed) out += format("%12d ", point.clients) + row(point);
  if (found.rate <= 0) return out + "nothing was answered, so there is no saturation\n";
  out += format("saturated at %.1f requests/s; p50 is over 1.3 of one client's from ", found.rate);
  out += found.slow_clients ? format("%d clients on\n", *found.slow_clients) : "no number of clients on\n";
  out += format("open loop at half of that, %.1f requests/s: p50 %.3f ms, p99 %.3f ms", found.half.asked,
                found.half.p50, found.half.p99);
  if (found.half_p50_over_idle) out += format("; p50 is %.2f of one client's", *found.half_p50_over_idle);
  return out + "\n";
}

}  // namespace helix::helixctl
