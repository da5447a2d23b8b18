#pragma once

#include "kernels/core/settings.h"
#include "kernels/event/validate.h"
#include "kernels/exatrkx/networks.h"
#include "kernels/patatrack/config.h"
#include "server/observe/log.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace helix::server {

// Every setting of the daemon, each once: TOML keys, flags, --print-config and config/helixd.toml are derived from
// here.

enum class Backend { automatic, cuda, cpu };

inline const char* const* setting_names(Backend) {
  static constexpr const char* kNames[] = {"auto", "cuda", "cpu", nullptr};
  return kNames;
}

enum class AdminAccess { local, all, none };

inline const char* const* setting_names(AdminAccess) {
  static constexpr const char* kNames[] = {"local", "all", "none", nullptr};
  return kNames;
}

struct ServerOptions {
  std::string listen = "127.0.0.1:8001";
  std::string port_file;
  bool share_port = false;
  std::string geometry = "config/geometry/phase1";
  Backend backend = Backend::automatic;
  int cpu_lanes = 0;
  int cpu_threads = 1;
  int cuda_lanes = 2;
  std::int64_t memory_budget = std::int64_t{4} << 30;
  std::chrono::milliseconds drain_delay{2000};
  std::chrono::milliseconds drain_timeout{30000};
  std::chrono::milliseconds watchdog{60000};

  template <class Field>
  void fields(Field&& field) {
    using namespace std::chrono_literals;
    field("listen", listen,
          "addresses, separated by commas: HOST:PORT, [IPV6]:PORT or unix:PATH; port 0: any free one");
    field("port_file", port_file, "file that gets the port of the first address once it is open; empty: none");
    field("share_port", share_port,
          "another helixd with this setting may listen on the same ports, and share the clients: so that a new one can "
          "take over before the old one drains");
    field("geometry", geometry, "folder of the detector's geometry: detectors.csv and geometry.toml");
    field("backend", backend, "auto: CUDA where a device is present, else the CPU");
    field("cpu_lanes", cpu_lanes, in(0, 1024),
          "lanes of the CPU backend: batches that run at one time; 0: as many as the processors that this process may "
          "use have room for");
    field("cpu_threads", cpu_threads, in(1, 4096),
          "threads of each CPU lane: more shorten the answer to a large request alone, and cost throughput");
    field("cuda_lanes", cuda_lanes, in(1, 16),
          "lanes of each CUDA device: the copies of one overlap the kernels of another");
    field(
        "memory_budget", memory_budget, in(std::int64_t{1} << 20, std::int64_t{1} << 46), "bytes",
        "what the batch of one lane may take; CPU lanes of patatrack take half of the memory that this process may use "
        "at most, all together");
    field("drain_delay", drain_delay, in(0s, 5min),
          "requests are still taken for so long after SIGTERM, when health says NOT_SERVING already");
    field("drain_timeout", drain_timeout, in(0s, 24h), "how long requests under way may take after that");
    field("watchdog", watchdog, in(0s, 24h),
          "a lane whose batch takes longer than this, and 20 times what is predicted, leaves service; 0: never");
  }
};

struct AdminOptions {
  AdminAccess access = AdminAccess::local;

  template <class Field>
  void fields(Field&& field) {
    field("access", access,
          "who may call helix.v1.Admin; local: over a unix socket or from this machine, which a proxy on it is too");
  }
};

struct LogOptions {
  log::Level level = log::Level::info;
  log::Format format = log::Format::text;

  template <class Field>
  void fields(Field&& field) {
    field("level", level, "least level that is written; debug: a line a batch and a request");
    field("format", format, "json: an object a line");
  }
};

struct HttpOptions {
  std::string listen = "127.0.0.1:8002";
  std::string port_file;

  template <class Field>
  void fields(Field&& field) {
    field("listen", listen,
          "address of /metrics, /healthz and /readyz: HOST:PORT or [IPV6]:PORT; port 0: any free one; empty: none");
    field("port_file", port_file, "file that gets the port once it is open; empty: none");
  }
};

struct TraceOptions {
  int batches = 256;

  template <class Field>
  void fields(Field&& field) {
    field("batches", batches, in(0, 100'000), "the last batches, which a trace shows; 0: none");
  }
};

struct QueueOptions {
  int max_requests = 256;
  std::int64_t max_bytes = std::int64_t{1} << 30;
  int max_requests_in_all = 1024;
  std::int64_t max_bytes_in_all = std::int64_t{4} << 30;
  std::chrono::milliseconds retry_after{100};
  std::string client_weights;
  std::chrono::milliseconds ageing{10000};

  template <class Field>
  void fields(Field&& field) {
    using namespace std::chrono_literals;
    field("max_requests", max_requests, in(1, 1'000'000),
          "requests of a pipeline that wait or run, at most; one client gets four fifths of them, a class below "
          "interactive eight ninths, so that others find room");
    field("max_bytes", max_bytes, in(std::int64_t{1} << 10, std::int64_t{1} << 46), "bytes",
          "memory of the requests of a pipeline that wait or run, at most");
    field("max_requests_in_all", max_requests_in_all, in(1, 10'000'000), "the same for all pipelines together");
    field("max_bytes_in_all", max_bytes_in_all, in(std::int64_t{1} << 10, std::int64_t{1} << 46), "bytes",
          "the same for all pipelines together");
    field("retry_after", retry_after, in(1ms, 1h),
          "when a client that found the server full is told to try again, at least; later where more work waits");
    field("client_weights", client_weights,
          "shares of clients that compete, \"NAME:2, OTHER:0.5\"; 1 for who is not named. A client is called by the "
          "metadata helix-client, else its address");
    field("ageing", ageing, in(0s, 24h),
          "a request rises a class, bulk to normal to interactive, each time it has waited so long; 0: never");
  }
};

struct BatchOptions {
  int max_events = 64;
  int max_hits = 4'000'000;
  std::int64_t max_bytes = std::int64_t{4} << 30;
  std::chrono::milliseconds max_cost{0};
  double overhead = 0.05;
  std::chrono::microseconds max_queue_delay{0};
  int preferred_events = 32;
  std::chrono::milliseconds target_p99{0};

  template <class Field>
  void fields(Field&& field) {
    using namespace std::chrono_literals;
    field("max_events", max_events, in(1, 65536), "events of several requests in one batch, at most");
    field("max_hits", max_hits, in(1, 1'000'000'000), "hits of several requests in one batch, at most");
    field("max_bytes", max_bytes, in(std::int64_t{1} << 10, std::int64_t{1} << 46), "bytes",
          "memory that a batch of several requests is predicted to take, at most");
    field("max_cost", max_cost, in(0s, 1h),
          "time that a batch of several requests is predicted to take, at most; 0: no limit");
    field("overhead", overhead, in(0.0, 1.0),
          "share of a batch's time that its fixed cost may be: batches grow until it is less, and no further, which "
          "keeps latency low; 0: they grow up to the limits");
    field(
        "max_queue_delay", max_queue_delay, in(0s, 10s),
        "how long a free lane waits for preferred_events, if deadlines allow and nobody interactive waits; 0: it takes "
        "at once what waits");
    field("preferred_events", preferred_events, in(1, 65536), "events that a free lane does not wait any longer for");
    field("target_p99", target_p99, in(0s, 1h),
          "batches get shorter until 99 % of the requests are answered within this; 0: no target");
  }
};

/// For tests of what the server does when something breaks. Counts of 0 are off.
struct FaultOptions {
  int fail_every = 0;
  int fail_event_hits = 0;
  int lose_device_after = 0;
  int hang_every = 0;
  std::chrono::milliseconds hang_for{0};
  int out_of_memory_hits = 0;

  template <class Field>
  void fields(Field&& field) {
    using namespace std::chrono_literals;
    constexpr int most = 1'000'000'000;
    field("fail_every", fail_every, in(0, most), "for tests: each so many batches of a lane fail; 0: none");
    field("fail_event_hits", fail_event_hits, in(0, most), "for tests: events of so many hits fail; 0: none");
    field("lose_device_after", lose_device_after, in(0, most),
          "for tests: each lane loses its device after so many batches; 0: never");
    field("hang_every", hang_every, in(0, most), "for tests: each so many batches of a lane hang for a while; 0: none");
    field("hang_for", hang_for, in(0s, 24h), "for tests: that while");
    field("out_of_memory_hits", out_of_memory_hits, in(0, most),
          "for tests: batches of more hits do not fit into memory; 0: all fit");
  }
};

struct StreamOptions {
  int max_in_flight = 1024;
  std::int64_t max_unsent_bytes = std::int64_t{64} << 20;

  template <class Field>
  void fields(Field&& field) {
    field("max_in_flight", max_in_flight, in(1, 1'000'000),
          "requests of one stream whose answers are not sent; then it is not read on until there is room");
    field("max_unsent_bytes", max_unsent_bytes, in(std::int64_t{1}, std::int64_t{1} << 46), "bytes",
          "answers that wait for the client of one stream to take them; then it is not read on");
  }
};

struct LimitOptions {
  HitLimits hits;
  int max_message_bytes = 256 << 20;
  int send_ahead_bytes = 128 << 10;

  template <class Field>
  void fields(Field&& field) {
    hits.fields(field);
    field("max_message_bytes", max_message_bytes, in(1 << 10, 2'000'000'000), "bytes", "size of one request");
    field(
        "send_ahead_bytes", send_ahead_bytes, in(0, 1 << 30), "bytes",
        "of a request that a client may send before the server has asked for it: so much of a refused one is received "
        "in vain, and a larger one takes a round trip more; 0: as gRPC measures the network to hold");
  }
};

struct BeamSpotOptions {
  float x = 0, y = 0, z = 0;

  template <class Field>
  void fields(Field&& field) {
    field("x", x, in(-100.f, 100.f), "mm", "beam line of events whose request does not name one");
    field("y", y, in(-100.f, 100.f), "mm", "the same, y");
    field("z", z, in(-1000.f, 1000.f), "mm", "centre of the luminous region along the beam");
  }
};

struct ExatrkxOptions {
  std::string models = "config/models/phase1, config/models/generic";
  int lanes = 1;
  int threads = 0;
  exatrkx::Precision precision = exatrkx::Precision::fp32;

  template <class Field>
  void fields(Field&& field) {
    field("models", models,
          "folders of models, separated by commas, each served as exatrkx/NAME, the first as exatrkx too; empty: none");
    field("lanes", lanes, in(1, 1024), "CPU lanes of each model; on CUDA devices server.cuda_lanes");
    field("threads", threads, in(0, 4096),
          "threads of each of these; 0: the processors that this process may use, shared by the model's lanes");
    field("precision", precision, "of the networks' linear layers; sums and norms are fp32 always");
  }
};

struct Options {
  ServerOptions server;
  AdminOptions admin;
  LogOptions log;
  HttpOptions http;
  TraceOptions trace;
  QueueOptions queue;
  BatchOptions batch;
  StreamOptions stream;
  LimitOptions limits;
  BeamSpotOptions beam_spot;
  ExatrkxOptions exatrkx;
  FaultOptions faults;
  patatrack::Config patatrack;

  /// All but the pipelines' settings, whose groups have tables of their own: [patatrack.doublets].
  template <class Group>
  void groups(Group&& group) {
    group("server", server);
    group("admin", admin);
    group("log", log);
    group("http", http);
    group("trace", trace);
    group("queue", queue);
    group("batch", batch);
    group("stream", stream);
    group("limits", limits);
    group("beam_spot", beam_spot);
    group("exatrkx", exatrkx);
    group("faults", faults);
  }
};

}  // namespace helix::server
