#include "kernels/core/arena.h"

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdlib>
#include <set>

namespace helix {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

/// Host memory that counts, and gives nothing out beyond a limit.
class CountingMemory final : public MemorySource {
 public:
  void* allocate(std::size_t bytes) override {
    ++allocations;
    if (bytes > largest) return nullptr;
    void* block = host_memory().allocate(bytes);
    held.insert(block);
    return block;
  }
  void release(void* block) override {
    held.erase(block);
    host_memory().release(block);
  }

  int allocations = 0;
  std::size_t largest = 1024 * kMiB;
  std::set<void*> held;
};

TEST_CASE("an arena hands out aligned ranges that do not overlap") {
  Arena arena(host_memory(), 16 * kMiB);
  auto* before = static_cast<std::byte*>(arena.take(1, "a"));
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{255}, std::size_t{256}, std::size_t{257}}) {
    auto* at = static_cast<std::byte*>(arena.take(bytes, "a"));
    CHECK(reinterpret_cast<std::uintptr_t>(at) % 256 == 0);
    CHECK(at >= before + 256);
    before = at;
  }
}

TEST_CASE("an arena allocates nothing more for a batch of the size it has seen") {
  CountingMemory memory;
  Arena arena(memory, 64 * kMiB);
  const auto batch = [&] {
    for (int i = 0; i < 30; ++i) arena.take(kMiB, "stage");
    arena.reset();
  };
  batch();
  const int warm = memory.allocations;
  CHECK(memory.held.size() == 1);
  batch();
  batch();
  CHECK(memory.allocations == warm);
  CHECK(arena.high_water() == 30 * kMiB);
}

TEST_CASE("an arena keeps to its budget and names the stage that went over it") {
  CountingMemory memory;
  Arena arena(memory, 4 * kMiB);
  arena.take(3 * kMiB, "prepare");
  CHECK_THROWS_WITH(arena.take(2 * kMiB, "connect"), "stage connect needs 5242880 bytes, the memory budget is 4194304");
  arena.reset();
  CHECK_NOTHROW(arena.take(4 * kMiB, "connect"));
}

TEST_CASE("an arena whose source has run dry says what it had") {
  CountingMemory memory;
  memory.largest = kMiB;
  Arena arena(memory, 64 * kMiB);
  arena.take(kMiB, "prepare");
  CHECK_THROWS_AS(arena.take(2 * kMiB, "connect"), OutOfArena);
}

TEST_CASE("an arena gives back all that it took") {
  CountingMemory memory;
  {
    Arena arena(memory, 64 * kMiB);
    for (int i = 0; i < 10; ++i) arena.take(3 * kMiB, "stage");
    CHECK(!memory.held.empty());
  }
  CHECK(memory.held.empty());
}

}  // namespace
}  // namespace helix
