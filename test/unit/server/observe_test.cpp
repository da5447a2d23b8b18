#include "server/observe/buckets.h"
#include "server/observe/observation.h"
#include "server/observe/traceparent.h"
#include "server/transport/receipt.h"

#include <catch2/catch.hpp>
#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>
#include <thread>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const std::string kDevice = "toy \"device\"";
const std::vector<StageTime> kStages{{"find", 3ms}, {"fit", 9ms}};

BatchRecord batch_record(int lane = 0, Clock::time_point at = Clock::time_point(1s)) {
  BatchRecord record;
  record.lane = lane;
  record.device = kDevice;
  record.requests = 2;
  record.events = 3;
  record.hits = 250;
  record.arrived = at;
  record.taken = at + 1ms;
  record.gathered = at + 2ms;
  record.computed = at + 8ms;
  record.done = at + 11ms;
  record.copy_in = 500us;
  record.compute = 4ms;
  record.copy_out = 1ms;
  record.stages = {kStages.data(), kStages.size()};
  record.memory = 4096;
  return record;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("observe: requests by pipeline, class and code, times of those answered, rejects are not failures") {
  Observation observation(4);
  Observer& observer = observation.pipeline("p");
  observer.request({.code = Code::ok, .queue = 1ms, .total = 30ms});
  observer.request({.priority = kInteractive, .code = Code::ok, .queue = 2ms, .total = 1ms});
  observer.request({.code = Code::resource_exhausted, .rejected = false, .queue = {}, .total = 1ms});
  observer.request({.code = Code::resource_exhausted, .rejected = true, .queue = {}, .total = 1ms});
  observation.unplaced().request({.code = Code::not_found, .queue = {}, .total = 1us});
  CHECK(&observation.pipeline("p") == &observer);
  const std::string text = observation.metrics_text({});
  for (const char* line :
       {R"(helixd_requests_total{class="normal",code="OK",pipeline="p"} 1)",
        R"(helixd_requests_total{class="interactive",code="OK",pipeline="p"} 1)",
        R"(helixd_requests_total{class="normal",code="RESOURCE_EXHAUSTED",pipeline="p"} 2)",
        R"(helixd_requests_total{class="normal",code="CANCELLED",pipeline="p"} 0)",
        R"(helixd_requests_total{class="normal",code="NOT_FOUND",pipeline="none"} 1)",
        R"(helixd_requests_rejected_total{pipeline="p"} 1)",
        R"(helixd_request_seconds_bucket{class="normal",pipeline="p",le="0.025"} 0)",
        R"(helixd_request_seconds_bucket{class="normal",pipeline="p",le="0.05"} 1)",
        R"(helixd_request_seconds_count{class="normal",pipeline="p"} 1)",
        R"(helixd_request_queue_seconds_bucket{pipeline="p",le="0.001"} 1)",  // the bound belongs to its bucket
        R"(helixd_request_queue_seconds_count{pipeline="p"} 2)", "# TYPE helixd_requests_total counter",
        "# TYPE helixd_request_seconds histogram"}) {
    CAPTURE(line);
    CHECK_THAT(text, Contains(std::string(line) + "\n"));
  }
}

TEST_CASE("observe: batches, their sizes and times, lanes") {
  Observation observation(4);
  Observer& observer = observation.pipeline("p");
  observation.set_lanes({{"p", {"toy", kDevice}}});
  observer.batch(batch_record(1));
  BatchRecord failed = batch_record(1);
  failed.code = Code::internal;
  failed.stages = {};
  observer.batch(failed);
  failed.requests = 1;
  observer.batch(failed);
  const std::string text = observation.metrics_text({});
  for (const char* line :
       {R"(helixd_batches_total{code="OK",pipeline="p"} 1)", R"(helixd_batches_total{code="INTERNAL",pipeline="p"} 2)",
        R"(helixd_batch_splits_total{pipeline="p"} 1)", R"(helixd_batch_events_sum{pipeline="p"} 3)",
        R"(helixd_batch_events_bucket{pipeline="p",le="2"} 0)", R"(helixd_batch_events_bucket{pipeline="p",le="4"} 1)",
        R"(helixd_batch_hits_bucket{pipeline="p",le="250"} 1)", R"(helixd_batch_hits_bucket{pipeline="p",le="100"} 0)",
        R"(helixd_batch_gather_seconds_sum{pipeline="p"} 0.001)",
        R"(helixd_batch_copy_in_seconds_sum{pipeline="p"} 0.0005)",
        R"(helixd_batch_compute_seconds_sum{pipeline="p"} 0.004)",
        R"(helixd_batch_copy_out_seconds_sum{pipeline="p"} 0.001)",
        R"(helixd_stage_seconds_total{pipeline="p",stage="find"} 0.003)",
        R"(helixd_lane_busy_seconds_total{lane="0",pipeline="p"} 0)",
        R"(helixd_lane_busy_seconds_total{lane="1",pipeline="p"} 0.03)",
        R"(helixd_lane_memory_bytes{lane="1",pipeline="p"} 4096)",
        R"(helixd_lane_info{device="toy",lane="0",pipeline="p"} 1)"}) {
    CAPTURE(line);
    CHECK_THAT(text, Contains(std::string(line) + "\n"));
  }
}

TEST_CASE("observe: lanes that are gone have no series, those that stay, or are new, do") {
  Observation observation(0);
  Observer& observer = observation.pipeline("p");
  observation.pipeline("q");
  observation.set_lanes({{"p", {kDevice, "a", "a"}}, {"q", {"a"}}});
  for (int lane = 0; lane < 3; ++lane) {
    BatchRecord record = batch_record(lane);
    if (lane > 0) record.device = "a";
    observer.batch(record);
  }
  observation.set_lanes({{"p", {kDevice, "b"}}});
  observer.batch(batch_record(0));
  observer.batch(batch_record(2));  // the last of one that is gone
  const std::string text = observation.metrics_text({});
  CHECK(count(text, "\nhelixd_lane_info{") == 2);
  CHECK_THAT(text,
             Contains(R"(lane="0",pipeline="p"} 1)") && Contains(R"(lane_info{device="b",lane="1",pipeline="p"} 1)"));
  CHECK(count(text, "\nhelixd_lane_memory_bytes{") == 2);
  CHECK_THAT(text, Contains("helixd_lane_memory_bytes{lane=\"0\",pipeline=\"p\"} 4096\n"));
  CHECK_THAT(text, Contains("helixd_lane_memory_bytes{lane=\"1\",pipeline=\"p\"} 0\n"));
  CHECK_THAT(text, Contains("helixd_lane_busy_seconds_total{lane=\"2\",pipeline=\"p\"} 0.02\n"));
}

TEST_CASE("observe: the service's state and the process are read when they are asked for") {
  const Observation observation(0);
  ServiceState state{true, {{.pipeline = "p", .lanes_in_service = 3}}, {}};
  QueueStats& queue = state.pipelines[0].queue;
  queue.requests = 2, queue.bytes = 7, queue.hits = 5;
  queue.oldest = 1500ms, queue.backlog = 2500ms;
  queue.accepted = 10, queue.completed = 4, queue.cancelled = 3, queue.expired = 2, queue.failed = 1;
  queue.rejected_late = 6, queue.retries = 8;
  queue.fixed_ms = 250, queue.ms_of_10k_hits = 500, queue.cost_bound_ms = std::numeric_limits<double>::infinity();
  state.totals["p"] += queue;
  state.totals["p"] += queue;
  const std::string text = observation.metrics_text(state);
  for (const char* line :
       {"helixd_ready 1", R"(helixd_queue_requests{pipeline="p"} 2)", R"(helixd_queue_hits{pipeline="p"} 5)",
        R"(helixd_queue_bytes{pipeline="p"} 7)", R"(helixd_queue_oldest_age_seconds{pipeline="p"} 1.5)",
        R"(helixd_queue_backlog_seconds{pipeline="p"} 2.5)", R"(helixd_queue_accepted_total{pipeline="p"} 20)",
        R"(helixd_queue_ended_total{pipeline="p",end="completed"} 8)",
        R"(helixd_queue_ended_total{pipeline="p",end="cancelled"} 6)",
        R"(helixd_queue_ended_total{pipeline="p",end="expired"} 4)",
        R"(helixd_queue_ended_total{pipeline="p",end="failed"} 2)", R"(helixd_queue_late_total{pipeline="p"} 12)",
        R"(helixd_queue_retries_total{pipeline="p"} 16)", R"(helixd_cost_batch_seconds{pipeline="p"} 0.25)",
        R"(helixd_cost_event_seconds{pipeline="p"} 0.5)", R"(helixd_cost_bound_seconds{pipeline="p"} +Inf)",
        R"(helixd_lanes_in_service{pipeline="p"} 3)", "helixd_build_info{version=\"" HELIX_VERSION "\"} 1"}) {
    CAPTURE(line);
    CHECK_THAT(text, Contains(std::string(line) + "\n"));
  }
  for (const char* name : {"process_resident_memory_bytes", "process_threads", "process_open_fds", "process_max_fds",
                           "process_start_time_seconds", "process_cpu_seconds_total"}) {
    CAPTURE(name);
    CHECK_THAT(text, Contains("\n" + std::string(name) + " ") && !Contains("\n" + std::string(name) + " 0\n"));
  }
}

TEST_CASE("observe: counters are exact with many threads and a reader") {
  Observation observation(8);
  Observer& observer = observation.pipeline("p");
  constexpr int kThreads = 4, kEach = 500;
  {
    std::jthread reader([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) (void)observation.metrics_text({}), (void)observation.trace_json();
    });
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&observer, t] {
        for (int i = 0; i < kEach; ++i) {
          observer.request({.code = i % 2 == 0 ? Code::ok : Code::cancelled});
          observer.batch(batch_record(t));
        }
      });
  }
  const std::string text = observation.metrics_text({});
  CHECK_THAT(text, Contains(R"(helixd_requests_total{class="normal",code="CANCELLED",pipeline="p"} 1000)"));
  CHECK_THAT(text, Contains(R"(helixd_requests_total{class="normal",code="OK",pipeline="p"} 1000)"));
  CHECK_THAT(text, Contains(R"(helixd_batches_total{code="OK",pipeline="p"} 2000)"));
}

TEST_CASE("observe: GPUs through NVML, or nothing where it is not there") {
  CHECK(GpuMetrics("libno-such-library.so.1").collect().empty());
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, GpuMetrics(HELIX_FAKE_NVML).collect());
  for (const char* line : {R"(helixd_gpu_memory_bytes{gpu="0",uuid="GPU-1"} 1000)",
                           R"(helixd_gpu_memory_used_bytes{gpu="1",uuid="GPU-2"} 250)",
                           R"(helixd_gpu_utilization_ratio{gpu="0",uuid="GPU-1"} 0.5)"})
    CHECK_THAT(text.str(), Contains(line));
  CHECK_THAT(text.str(), !Contains(R"(helixd_gpu_utilization_ratio{gpu="1")"));
}

TEST_CASE("trace: keeps the last batches, a process a pipeline and a thread a lane") {
  Trace trace(2);
  CHECK(count(trace.json(), "\"ph\"") == 0);
  for (int i = 0; i < 3; ++i) trace.add(i == 1 ? "a" : "b", batch_record(i));
  const std::string text = trace.json();
  CHECK(count(text, R"("name":"batch")") == 2);
  CHECK_THAT(text, !Contains(R"("number":0)") && Contains(R"("number":1)") && Contains(R"("number":2)"));
  CHECK_THAT(text, Contains(R"({"ph":"M","pid":1,"tid":0,"name":"process_name","ts":0.000,"args":{"name":"a"}})"));
  CHECK_THAT(text, Contains(R"("args":{"name":"lane 2: toy \"device\""}})"));
  CHECK_THAT(text, Contains(R"({"ph":"b","pid":1,"tid":1,"name":"queue","ts":1000000.000,"cat":"queue","id":1})"));
  CHECK_THAT(text, Contains(R"({"ph":"e","pid":1,"tid":1,"name":"queue","ts":1001000.000,"cat":"queue","id":1})"));
  CHECK_THAT(text, Contains(R"("tid":1,"name":"batch","ts":1001000.000,"dur":10000.000)"));
}

TEST_CASE("trace: stages lie within compute, in proportion where threads add up to more") {
  Trace trace(1);
  trace.add("p", batch_record());  // 3 and 9 ms of stages in 4 ms
  CHECK_THAT(trace.json(), Contains(R"("name":"compute","ts":1002500.000,"dur":4000.000)"));
  CHECK_THAT(trace.json(), Contains(R"("name":"find","ts":1002500.000,"dur":1000.000,"args":{"us":3000.000})"));
  CHECK_THAT(trace.json(), Contains(R"("name":"fit","ts":1003500.000,"dur":3000.000,"args":{"us":9000.000})"));
}

TEST_CASE("trace: a failed batch has no parts, a trace of no batches keeps none") {
  BatchRecord failed = batch_record();
  failed.code = Code::internal;
  Trace trace(1), none(0);
  trace.add("p", failed);
  none.add("p", failed);
  CHECK_THAT(trace.json(), Contains("failed batch") && !Contains("compute"));
  CHECK_THAT(none.json(), !Contains("batch"));
}

TEST_CASE("traceparent: W3C's format, else none") {
  const std::string trace(32, 'a'), parent(16, 'b');
  CHECK(is_traceparent("00-" + trace + "-" + parent + "-01"));
  CHECK(is_traceparent("cc-" + trace + "-" + parent + "-01-what-will-be-new"));
  for (const std::string& wrong :
       {std::string(), std::string("00"), "00-" + trace + "-" + parent, "00-" + trace + "-" + parent + "-1",
        "00-" + trace + "-" + parent + "-01-more", "cc-" + trace + "-" + parent + "-01more",
        "ff-" + trace + "-" + parent + "-01", "00-" + std::string(32, '0') + "-" + parent + "-01",
        "00-" + trace + "-" + std::string(16, '0') + "-01", "00-" + std::string(32, 'A') + "-" + parent + "-01",
        "00_" + trace + "-" + parent + "-01", "00-" + trace + "-" + parent + "-0\n",
        "cc-" + trace + "-" + parent + "-01-" + std::string(200, 'x')}) {
    CAPTURE(wrong);
    CHECK_FALSE(is_traceparent(wrong));
  }
}

TEST_CASE("receipt: times in whole microseconds, a device that cannot end it early") {
  BatchResult result;
  result.stages = kStages;
  result.copy_in = 2us, result.compute = 12'999ns, result.copy_out = 3us;
  const std::string backend = "cuda", device = "GPU; 0=\xC3\xA9";
  const Answer answer{result, 0, 1, 4, 1500ns, 700ns, backend, device, 900, 2};
  CHECK(receipt(answer) ==
        "queue=1;batch=0;batch_events=4;batch_hits=900;copy_in=2;compute=12;stage.find=3000;stage.fit=9000;copy_out=3;"
        "lane=2;backend=cuda;device=GPU_ 0___");
}
