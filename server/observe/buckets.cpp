#include "server/observe/buckets.h"

namespace helix::server {

// Written out: what is computed would show as le="0.0005000000000000001".
const Buckets& time_buckets() {
  static const Buckets bounds{1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2,
                              5e-2, 0.1,    0.25, 0.5,  1,      2.5,  5,    10,     25,   50};
  return bounds;
}

const Buckets& event_buckets() {
  static const Buckets bounds{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
  return bounds;
}

const Buckets& hit_buckets() {
  static const Buckets bounds{100, 250, 500, 1e3, 2.5e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 2.5e6, 5e6};
  return bounds;
}

}  // namespace helix::server
