#include "server/observe/observation.h"

#include "server/observe/process_metrics.h"

#include <prometheus/text_serializer.h>

#include <sstream>

namespace helix::server {

Observer& Observation::pipeline(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<PipelineMetrics>& observer = pipelines_[name];
  if (!observer) observer = std::make_unique<PipelineMetrics>(registry_, trace_, name);
  return *observer;
}

void Observation::set_lanes(const LaneDevices& devices) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, observer] : pipelines_) {
    const auto found = devices.find(name);
    observer->set_lanes(found != devices.end() ? found->second : std::vector<std::string>());
  }
}

std::string Observation::metrics_text(const ServiceState& state) const {
  std::ostringstream text;
  for (const auto& families : {service_metrics(state), registry_.Collect(), gpus_.collect(), process_metrics()})
    prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace helix::server
