#pragma once
#include <vector>

#include "tensor/matrix.h"

namespace e5v::tensor {

/// Memory for the activations of one pass: taken in order, given back in reverse order through scopes. After the first
/// pass of a size it holds one block and takes nothing more from the system.
class Arena {
 public:
  explicit Arena(Place place = Place::host) : place_(place) {}

  Place place() const { return place_; }

  /// A matrix with undefined contents, each row range aligned to a cache line when its width allows.
  Matrix matrix(DType dtype, std::int64_t rows, std::int64_t columns);

  /// Gives back, at its end, what was taken during its life.
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

  /// Bytes held from the system.
  std::size_t capacity() const;

 private:
  std::byte* take(std::size_t bytes);
  void add_block(std::size_t bytes);
  std::size_t taken() const;
  void rewind(std::size_t block, std::size_t used);

  Place place_;
  std::vector<Buffer> blocks_;
  std::size_t current_ = 0;  // the block that is being filled
  std::size_t used_ = 0;     // bytes taken of it
  std::size_t peak_ = 0;     // bytes that were ever taken, on an accelerator
};

}  // namespace e5v::tensor
