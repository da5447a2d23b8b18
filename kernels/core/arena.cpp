#include "kernels/core/arena.h"

#include <algorithm>
#include <cstdlib>

namespace helix {
namespace {

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kSmallestBlock = std::size_t{1} << 20;

constexpr std::size_t round_up(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

class HostMemory final : public MemorySource {
 public:
  void* allocate(std::size_t bytes) override { return std::aligned_alloc(kAlignment, round_up(bytes)); }
  void release(void* block) override { std::free(block); }
};

}  // namespace

MemorySource& host_memory() {
  static HostMemory memory;
  return memory;
}

OutOfArena::OutOfArena(const std::string& stage, std::size_t needed, std::size_t had)
    : text_("stage " + stage + " needs " + std::to_string(needed) + " bytes, the memory budget is " +
            std::to_string(had)) {}

Arena::Arena(MemorySource& source, std::size_t budget) : source_(source), budget_(budget) {}

Arena::~Arena() { release_all(); }

void Arena::release_all() {
  for (const Block& block : blocks_) source_.release(block.at);
  blocks_.clear();
  held_ = used_in_last_ = 0;
}

void* Arena::take(std::size_t bytes, const char* stage) {
  const std::size_t size = round_up(std::max<std::size_t>(bytes, 1));
  if (blocks_.empty() || blocks_.back().size - used_in_last_ < size) add_block(size, stage);
  void* at = blocks_.back().at + used_in_last_;
  used_in_last_ += size;
  used_ += size;
  high_water_ = std::max(high_water_, used_);
  return at;
}

void Arena::refuse(std::size_t bytes, const char* stage) const { throw OutOfArena(stage, used_ + bytes, budget_); }

void Arena::add_block(std::size_t at_least, const char* stage) {
  if (used_ == 0) release_all();  // a block too small for the first request must not eat into the budget
  if (held_ + at_least > budget_) throw OutOfArena(stage, used_ + at_least, budget_);
  const std::size_t wanted = std::min(std::max({at_least, held_, kSmallestBlock}), budget_ - held_);
  auto* at = static_cast<std::byte*>(source_.allocate(wanted));
  if (at == nullptr) throw OutOfArena(stage, used_ + at_least, held_);
  blocks_.push_back({at, wanted});
  held_ += wanted;
  used_in_last_ = 0;
}

void Arena::reset() {
  if (blocks_.size() > 1) {
    const std::size_t whole = held_;
    release_all();
    if (auto* at = static_cast<std::byte*>(source_.allocate(whole))) {
      blocks_.push_back({at, whole});
      held_ = whole;
    }
  }
  used_in_last_ = used_ = 0;
}

}  // namespace helix
