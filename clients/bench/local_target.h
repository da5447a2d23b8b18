#pragma once

#include "clients/bench/target.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace helix::bench {

/// This process: one request after the other, in the order they were sent, on a thread of its own.
class LocalTarget : public Target {
 public:
  explicit LocalTarget(Reconstructor& reconstructor);

  void send(const Payload& payload, int client, Clock::time_point deadline, std::stop_token stop,
            std::function<void(Reply)> done) override;

 private:
  struct Call {
    const Payload* payload;
    Clock::time_point sent, deadline;
    std::stop_token stop;
    std::function<void(Reply)> done;
  };
  void loop(const std::stop_token& stop);
  Reply reply(const Call& call);

  Reconstructor& reconstructor_;
  std::mutex mutex_;  // guards waiting_
  std::condition_variable_any changed_;
  std::deque<Call> waiting_;
  std::jthread thread_;  // last: ends first
};

}  // namespace helix::bench
