#include "server/observe/request_metrics.h"

#include "server/observe/buckets.h"
#include "server/observe/log.h"
#include "server/transport/grpc_status.h"

#include <exception>

namespace helix::server {
namespace {

/// Classes of clients beyond these are counted as one: labels must not grow with who calls.
constexpr std::size_t kMostClasses = 16;
constexpr const char* kOtherClasses = "other";
constexpr Code kCodes[] = {
    Code::ok,        Code::invalid_argument, Code::not_found, Code::resource_exhausted, Code::deadline_exceeded,
    Code::cancelled, Code::unavailable,      Code::internal};

}  // namespace

RequestMetrics::RequestMetrics(prometheus::Registry& registry, std::string pipeline)
    : pipeline_(std::move(pipeline)),
      requests_(prometheus::BuildCounter()
                    .Name("helixd_requests_total")
                    .Help("Requests that ended, by gRPC code.")
                    .Register(registry)),
      seconds_(prometheus::BuildHistogram()
                   .Name("helixd_request_seconds")
                   .Help("Answered requests: from the first byte to the answer.")
                   .Register(registry)),
      rejected_(prometheus::BuildCounter()
                    .Name("helixd_requests_rejected_total")
                    .Help("Requests that found the server full.")
                    .Register(registry)
                    .Add({{"pipeline", pipeline_}})),
      queue_(prometheus::BuildHistogram()
                 .Name("helixd_request_queue_seconds")
                 .Help("Answered requests: waiting for a lane.")
                 .Register(registry)
                 .Add({{"pipeline", pipeline_}}, time_buckets())) {
  class_of(RequestRecord().client_class);
}

void RequestMetrics::request(const RequestRecord& record) noexcept {
  try {
    if (record.rejected) rejected_.Increment();
    if (record.code == Code::ok) queue_.Observe(seconds(record.queue));
    const std::scoped_lock lock(mutex_);
    const Class& its_class = class_of(record.client_class);
    its_class.by_code.at(record.code)->Increment();
    if (record.code == Code::ok) its_class.seconds->Observe(seconds(record.total));
  } catch (const std::exception& error) {
    log::write_limited(log::Level::error, "observe.failed", {{"error", error.what()}});
  }
}

RequestMetrics::Class& RequestMetrics::class_of(std::string_view name) {
  if (const auto found = classes_.find(name); found != classes_.end()) return found->second;
  if (classes_.size() >= kMostClasses && name != kOtherClasses) return class_of(kOtherClasses);
  const prometheus::Labels labels{{"pipeline", pipeline_}, {"class", std::string(name)}};
  Class made;
  for (const Code code : kCodes) {
    prometheus::Labels with_code = labels;
    with_code.emplace("code", grpc_code_name(code));
    made.by_code[code] = &requests_.Add(with_code);
  }
  made.seconds = &seconds_.Add(labels, time_buckets());
  return classes_.emplace(name, std::move(made)).first->second;
}

}  // namespace helix::server
