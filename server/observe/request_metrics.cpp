#include "server/observe/request_metrics.h"

#include "server/observe/buckets.h"
#include "server/observe/log.h"
#include "server/transport/grpc_status.h"

#include <exception>

namespace helix::server {
namespace {

constexpr Code kCodes[] = {
    Code::ok,        Code::invalid_argument, Code::not_found, Code::resource_exhausted, Code::deadline_exceeded,
    Code::cancelled, Code::unavailable,      Code::internal};

}  // namespace

RequestMetrics::RequestMetrics(prometheus::Registry& registry, const std::string& pipeline)
    : rejected_(prometheus::BuildCounter()
                    .Name("helixd_requests_rejected_total")
                    .Help("Requests that found the server full.")
                    .Register(registry)
                    .Add({{"pipeline", pipeline}})),
      queue_(prometheus::BuildHistogram()
                 .Name("helixd_request_queue_seconds")
                 .Help("Answered requests: waiting for a lane.")
                 .Register(registry)
                 .Add({{"pipeline", pipeline}}, time_buckets())) {
  auto& requests = prometheus::BuildCounter()
                       .Name("helixd_requests_total")
                       .Help("Requests that ended, by gRPC code.")
                       .Register(registry);
  auto& times = prometheus::BuildHistogram()
                    .Name("helixd_request_seconds")
                    .Help("Answered requests: from the first byte to the answer.")
                    .Register(registry);
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    const prometheus::Labels labels{{"pipeline", pipeline}, {"class", kPriorityNames[i]}};
    classes_[i].seconds = &times.Add(labels, time_buckets());
    for (const Code code : kCodes) {
      prometheus::Labels with_code = labels;
      with_code.emplace("code", grpc_code_name(code));
      classes_[i].by_code[code] = &requests.Add(with_code);
    }
  }
}

void RequestMetrics::request(const RequestRecord& record) noexcept {
  try {
    const Class& its_class = classes_.at(static_cast<std::size_t>(record.priority));
    its_class.by_code.at(record.code)->Increment();
    if (record.rejected) rejected_.Increment();
    if (record.code != Code::ok) return;
    queue_.Observe(seconds(record.queue));
    its_class.seconds->Observe(seconds(record.total));
  } catch (const std::exception& error) {
    log::write_limited(log::Level::error, "observe.failed", {{"error", error.what()}});
  }
}

}  // namespace helix::server
