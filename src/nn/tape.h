#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::nn {

/// The gradients of a loss, and the backward passes that fill them. A forward pass that is given a tape watches its
/// matrices and records a backward pass for each operation; rewind() runs these, the last one first.
class Tape {
 public:
  /// Gradients are taken from an arena that nothing else uses, and given back with the tape.
  explicit Tape(tensor::Arena& gradients) : arena_(gradients), scope_(std::in_place, gradients) {}
  /// A tape of one part of what `outer` records, which knows all that is watched there as well. Its gradients, taken
  /// from the same arena, are given back by whoever rewinds it.
  explicit Tape(Tape* outer) : arena_(outer->arena_), outer_(outer) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Gradients by this matrix, and so by views of it, are kept; zero at first.
  void watch(tensor::ConstMatrix value);
  /// The same, in a given matrix of type f32 and equal shape, which may hold something already.
  void watch(tensor::ConstMatrix value, tensor::Matrix gradient);

  /// The gradient by a watched matrix, or by a block of rows and columns of one; nothing when it is not watched.
  std::optional<tensor::Matrix> gradient(tensor::ConstMatrix value);
  /// The gradient by a whole watched matrix, for a backward pass that can overwrite it; `fresh` when nothing has been
  /// added to it so far, and its contents are undefined.
  struct Target {
    tensor::Matrix gradient;
    bool fresh;
  };
  Target target(tensor::ConstMatrix value);
  /// The gradient by a vector that was watched as a matrix of one row; empty when it is not watched.
  std::span<float> gradient(const tensor::TensorView& value);

  tensor::Arena& arena() const { return arena_; }

  void record(std::function<void()> backward) { steps_.push_back(std::move(backward)); }
  /// Keeps what steps borrow until they have run.
  void hold(std::shared_ptr<const void> borrowed) { held_.push_back(std::move(borrowed)); }
  /// Runs all that is recorded, the last first, and forgets it.
  void rewind();

 private:
  struct Watched {
    tensor::ConstMatrix value;
    tensor::Matrix gradient;  // no data before it is asked for
  };
  Watched* find(const std::byte* data);

  tensor::Arena& arena_;
  std::optional<tensor::Arena::Scope> scope_;
  Tape* outer_ = nullptr;
  std::vector<Watched> watched_;
  std::vector<std::function<void()>> steps_;
  std::vector<std::shared_ptr<const void>> held_;
};

}  // namespace e5v::nn
