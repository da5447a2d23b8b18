#include "server/observe/log.h"

#include "server/observe/json_text.h"
#include "server/observe/rate_limit.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>

namespace helix::server::log {
namespace {

constexpr int kLinesASecond = 10;
constexpr const char* kLevelNames[] = {"debug", "info", "warn", "error", nullptr};
constexpr std::array kSpdlogLevels = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                      spdlog::level::err};

struct Log {
  std::shared_ptr<spdlog::logger> logger = make();
  std::atomic<bool> json = false;
  RateLimit limit{kLinesASecond};

  static std::shared_ptr<spdlog::logger> make() {
    auto logger = std::make_shared<spdlog::logger>("helixd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%v");
    logger->flush_on(spdlog::level::info);
    return logger;
  }
};

// Never destroyed: threads of gRPC may still log while the program ends.
Log& the_log() {
  static Log* log = new Log;
  return *log;
}

bool needs_quotes(std::string_view value) {
  for (const char c : value)
    if (c == ' ' || c == '"' || c == '=' || c == '\\' || is_control(c)) return true;
  return value.empty();
}

/// UTC, to the millisecond: 2026-01-31T12:34:56.789Z
std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 40> text;
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + n, text.size() - n, ".%03dZ", static_cast<int>(ms % 1000));
  return text.data();
}

void put(Level level, std::string_view event, Fields fields, std::uint64_t held_back) {
  Log& log = the_log();
  const auto spdlog_level = kSpdlogLevels[static_cast<std::size_t>(level)];
  if (!log.logger->should_log(spdlog_level)) return;
  const bool json = log.json;
  std::string line =
      json ? json_line(timestamp(), level, event, fields)
           : timestamp() + ' ' + kLevelNames[static_cast<std::size_t>(level)] + ' ' + text_line(event, fields);
  if (held_back > 0) {
    const std::string count = std::to_string(held_back);
    if (json)
      line.insert(line.size() - 1, ",\"held_back\":" + count);
    else
      line += " held_back=" + count;
  }
  log.logger->log(spdlog_level, std::string_view(line));
}

}  // namespace

const char* const* setting_names(Level) { return kLevelNames; }

const char* const* setting_names(Format) {
  static constexpr const char* kNames[] = {"text", "json", nullptr};
  return kNames;
}

void set_level(Level level) { the_log().logger->set_level(kSpdlogLevels[static_cast<std::size_t>(level)]); }

Level level() {
  const auto found = std::find(kSpdlogLevels.begin(), kSpdlogLevels.end(), the_log().logger->level());
  return static_cast<Level>(found - kSpdlogLevels.begin());
}

void configure(Level level, Format format) {
  set_level(level);
  the_log().json = format == Format::json;
}

bool enabled(Level level) { return the_log().logger->should_log(kSpdlogLevels[static_cast<std::size_t>(level)]); }

void write(Level level, std::string_view event, Fields fields) { put(level, event, fields, 0); }

void write_limited(Level level, std::string_view event, Fields fields) {
  if (const auto held_back = the_log().limit.pass(event, std::chrono::steady_clock::now()))
    put(level, event, fields, *held_back);
}

std::string text_line(std::string_view event, Fields fields) {
  std::string line(event);
  for (const Field& field : fields) {
    line += std::string(" ") + field.key() + "=";
    if (needs_quotes(field.value()))
      append_quoted(line, field.value());
    else
      line += field.value();
  }
  return line;
}

std::string json_line(std::string_view time, Level level, std::string_view event, Fields fields) {
  std::string line = "{\"time\":\"" + std::string(time) + "\",\"level\":\"" +
                     kLevelNames[static_cast<std::size_t>(level)] + "\",\"event\":";
  append_quoted(line, event);
  for (const Field& field : fields) {
    line += std::string(",\"") + field.key() + "\":";
    if (field.quoted())
      append_quoted(line, field.value());
    else
      line += field.value();
  }
  return line + "}";
}

void flush() { the_log().logger->flush(); }

}  // namespace helix::server::log
