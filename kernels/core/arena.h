#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <vector>

namespace helix {

/// Where an arena's blocks come from: host memory, pinned memory, a device.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  /// At least `bytes` bytes, aligned to 256; nullptr when there are none.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* block) = 0;
};

/// Ordinary host memory; lives as long as the program.
MemorySource& host_memory();

/// A stage needed more memory than its budget holds.
class OutOfArena : public std::exception {
 public:
  OutOfArena(const std::string& stage, std::size_t needed, std::size_t had);
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

/// Bump allocator, reset between batches. When it runs full within a batch it takes another block; the next reset
/// joins all blocks into one of the high-water size, so that after warm-up nothing is allocated.
class Arena {
 public:
  Arena(MemorySource& source, std::size_t budget);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// `bytes` bytes aligned to 256, valid until reset. throws OutOfArena, which names `stage`
  void* take(std::size_t bytes, const char* stage);
  /// throws OutOfArena: for who sees early that `bytes` more than `left` will be needed
  [[noreturn]] void refuse(std::size_t bytes, const char* stage) const;
  /// Forgets all that was taken.
  void reset();

  /// Bytes of its blocks.
  std::size_t held() const { return held_; }
  std::size_t high_water() const { return high_water_; }
  std::size_t budget() const { return budget_; }
  std::size_t left() const { return budget_ - used_; }

 private:
  struct Block {
    std::byte* at;
    std::size_t size;
  };
  void add_block(std::size_t at_least, const char* stage);
  void release_all();

  MemorySource& source_;
  std::size_t budget_;
  std::vector<Block> blocks_;
  std::size_t used_in_last_ = 0, used_ = 0, held_ = 0, high_water_ = 0;
};

}  // namespace helix
