#pragma once
#include <vector>

#include "tensor/matrix.h"

namespace e5v::tensor {

/// Memory for the activations of one pass. It is taken in order and returned in reverse order through scopes. After the
/// first pass of a size, the arena has one block and needs no more memory of the system.
class Arena {
 public:
  explicit Arena(Place place = Place::host) : place_(place) {}

  Place place() const { return place_; }

  /// A matrix with undefined contents. Each row is aligned to a cache line when the width allows.
  Matrix matrix(DType dtype, std::int64_t rows, std::int64_t columns);

  /// Returns, at its end, the memory that was taken while it existed.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), block_(arena.current_), used_(arena.used_) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { arena_.rewind(block_, used_); }

   private:
    Arena& arena_;
    std::size_t block_, used_;
  };

  /// The bytes that the arena holds.
  std::size_t capacity() const;

 private:
  std::byte* take(std::size_t bytes);
  void add_block(std::size_t bytes);
  std::size_t taken() const;
  void rewind(std::size_t block, std::size_t used);

  Place place_;
  std::vector<Buffer> blocks_;
  std::size_t current_ = 0;  // the block that is being filled
  std::size_t used_ = 0;     // bytes of it that are in use
  std::size_t peak_ = 0;     // the largest number of used bytes, on an accelerator
};

}  // namespace e5v::tensor
