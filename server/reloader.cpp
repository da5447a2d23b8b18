#include "server/reloader.h"

#include <pthread.h>

#include <exception>

namespace helix::server {
namespace {

Status too_late() { return unavailable("server is draining: nothing is reloaded"); }

}  // namespace

Reloader::Reloader(Work work) : work_(std::move(work)), thread_([this](const std::stop_token& stop) { loop(stop); }) {}

Reloader::~Reloader() { stop(); }

void Reloader::reload(Done done) {
  {
    const std::scoped_lock lock(mutex_);
    if (!stopped_) {
      waiting_.push_back(std::move(done));
      changed_.notify_one();
      return;
    }
  }
  done(too_late());
}

void Reloader::stop() {
  std::vector<Done> refused;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    refused.swap(waiting_);
  }
  thread_.request_stop();
  for (const Done& done : refused) done(too_late());
}

void Reloader::loop(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "reload");
  for (;;) {
    std::vector<Done> asked;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      asked.swap(waiting_);
    }
    Outcome outcome = too_late();
    try {
      outcome = work_(stop);
    } catch (const std::exception& error) {
      outcome = internal_error(error.what());
    }
    for (const Done& done : asked) done(outcome);
  }
}

}  // namespace helix::server
