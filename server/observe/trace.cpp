#include "server/observe/trace.h"

#include "server/observe/json_text.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace helix::server {

/// A record with what it only viewed.
struct Trace::Batch {
  std::string pipeline, device;
  std::vector<StageTime> stages;
  BatchRecord record;
  std::size_t number;
};

namespace {

using std::chrono::nanoseconds;

/// Microseconds to the nanosecond, as trace events want them.
std::string us(nanoseconds time) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%lld.%03lld", static_cast<long long>(time.count() / 1000),
                static_cast<long long>(time.count() % 1000));
  return text.data();
}

std::string quoted(std::string_view value) {
  std::string text;
  append_quoted(text, value);
  return text;
}

/// Writes trace events, each an object on a line of its own.
class EventWriter {
 public:
  void name_process(int process, std::string_view name) { name_of("process_name", process, 0, name); }
  void name_thread(int process, int thread, std::string_view name) { name_of("thread_name", process, thread, name); }

  void slice(int process, int thread, std::string_view name, Clock::time_point begin, nanoseconds time,
             const std::string& arguments = "") {
    event("X", process, thread, name, begin.time_since_epoch());
    text_ += ",\"dur\":" + us(time);
    close(arguments);
  }

  /// May overlap with others of its thread.
  void wait(int process, int thread, std::size_t id, Clock::time_point begin, Clock::time_point end) {
    for (const auto& [kind, at] : {std::pair{"b", begin}, std::pair{"e", end}}) {
      event(kind, process, thread, "queue", at.time_since_epoch());
      text_ += ",\"cat\":\"queue\",\"id\":" + std::to_string(id);
      close("");
    }
  }

  std::string finish() && { return text_ + "\n]}\n"; }

 private:
  void event(const char* kind, int process, int thread, std::string_view name, nanoseconds at) {
    text_ += std::exchange(first_, false) ? "\n" : ",\n";
    text_ += std::string("{\"ph\":\"") + kind + "\",\"pid\":" + std::to_string(process) +
             ",\"tid\":" + std::to_string(thread) + ",\"name\":" + quoted(name) + ",\"ts\":" + us(at);
  }
  void close(const std::string& arguments) {
    if (!arguments.empty()) text_ += ",\"args\":{" + arguments + "}";
    text_ += "}";
  }
  void name_of(const char* what, int process, int thread, std::string_view name) {
    event("M", process, thread, what, {});
    close("\"name\":" + quoted(name));
  }

  std::string text_ = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
  bool first_ = true;
};

/// The stages end to end within `compute`, shortened alike where several threads add up to more.
void write_stages(EventWriter& out, int process, const BatchRecord& record, const std::vector<StageTime>& stages,
                  Clock::time_point begin) {
  nanoseconds sum{};
  for (const StageTime& stage : stages) sum += stage.time;
  const double scale = sum > record.compute ? double(record.compute.count()) / double(sum.count()) : 1;
  for (const StageTime& stage : stages) {
    const auto shown = nanoseconds(static_cast<std::int64_t>(double(stage.time.count()) * scale));
    out.slice(process, record.lane, stage.stage, begin, shown, "\"us\":" + us(stage.time));
    begin += shown;
  }
}

void write_batch(EventWriter& out, int process, const BatchRecord& record, const std::vector<StageTime>& stages,
                 std::size_t number) {
  const int lane = record.lane;
  out.wait(process, lane, number, record.arrived, record.taken);
  out.slice(process, lane, record.code == Code::ok ? "batch" : "failed batch", record.taken, record.done - record.taken,
            "\"number\":" + std::to_string(number) + ",\"requests\":" + std::to_string(record.requests) +
                ",\"events\":" + std::to_string(record.events) + ",\"hits\":" + std::to_string(record.hits));
  if (record.code != Code::ok) return;
  out.slice(process, lane, "gather", record.taken, record.gathered - record.taken);
  const Clock::time_point compute = record.gathered + record.copy_in;
  if (record.copy_in.count() > 0) out.slice(process, lane, "copy in", record.gathered, record.copy_in);
  out.slice(process, lane, "compute", compute, record.compute);
  write_stages(out, process, record, stages, compute);
  if (record.copy_out.count() > 0) out.slice(process, lane, "copy out", compute + record.compute, record.copy_out);
  out.slice(process, lane, "answer", record.computed, record.done - record.computed);
}

}  // namespace

void Trace::add(std::string_view pipeline, const BatchRecord& record) {
  if (ring_.empty()) return;
  auto batch = std::make_shared<Batch>(Batch{
      std::string(pipeline), std::string(record.device), {record.stages.begin(), record.stages.end()}, record, 0});
  batch->record.device = {};
  batch->record.stages = {};
  std::shared_ptr<const Batch> oldest;  // goes away after the lock
  const std::scoped_lock lock(mutex_);
  batch->number = added_++;
  oldest = std::exchange(ring_[batch->number % ring_.size()], std::move(batch));
}

std::string Trace::json() const {
  std::vector<std::shared_ptr<const Batch>> batches;
  {
    const std::scoped_lock lock(mutex_);
    batches = ring_;
  }
  std::erase(batches, nullptr);
  std::sort(batches.begin(), batches.end(), [](const auto& a, const auto& b) { return a->number < b->number; });
  EventWriter out;
  std::map<std::string, int> processes;
  std::set<std::pair<int, int>> threads;
  for (const auto& batch : batches) {
    const auto [at, is_new] = processes.try_emplace(batch->pipeline, static_cast<int>(processes.size()) + 1);
    const int process = at->second;
    if (is_new) out.name_process(process, batch->pipeline);
    const int lane = batch->record.lane;
    if (threads.insert({process, lane}).second)
      out.name_thread(process, lane, "lane " + std::to_string(lane) + ": " + batch->device);
    write_batch(out, process, batch->record, batch->stages, batch->number);
  }
  return std::move(out).finish();
}

}  // namespace helix::server
