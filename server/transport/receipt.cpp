#include "server/transport/receipt.h"

#include <string_view>

namespace helix::server {
namespace {

long long us(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

/// What metadata cannot carry, or what would end the value, as '_'.
std::string plain(std::string_view value) {
  std::string text(value);
  for (char& c : text)
    if (c < ' ' || c > '~' || c == ';' || c == '=') c = '_';
  return text;
}

}  // namespace

std::string receipt(const Answer& answer) {
  std::string text;
  const auto put = [&](const std::string& key, const auto& value) {
    text += (text.empty() ? "" : ";") + key + "=";
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>)
      text += std::to_string(value);
    else
      text += plain(value);
  };
  const BatchResult& result = answer.result;
  put("queue", us(answer.queue));
  put("batch", us(answer.gather));
  put("batch_events", answer.batch_events);
  put("batch_hits", answer.batch_hits);
  put("copy_in", us(result.copy_in));
  put("compute", us(result.compute));
  for (const StageTime& stage : result.stages) put("stage." + plain(stage.stage), us(stage.time));
  put("copy_out", us(result.copy_out));
  put("lane", answer.lane);
  put("backend", answer.backend);
  put("device", answer.device);
  return text;
}

}  // namespace helix::server
