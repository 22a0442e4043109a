#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::nn {

/// The gradients of a loss, and the backward passes that compute them. In a forward pass with a tape, matrices are
/// watched, and each operation records its backward pass. rewind() runs these, the last one first.
class Tape {
 public:
  /// Gradients are taken from an arena that nothing else uses, and are released with the tape.
  explicit Tape(tensor::Arena& gradients) : arena_(gradients), scope_(std::in_place, gradients) {}
  /// A tape for one part of the operations of `outer`. It knows everything that is watched there. Its gradients come
  /// from the same arena; the caller that rewinds it releases them.
  explicit Tape(Tape* outer) : arena_(outer->arena_), outer_(outer) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Keeps gradients with respect to this matrix, and so to views of it. They are zero at first.
  void watch(tensor::ConstMatrix value);
  /// The same, in a given f32 matrix of equal shape, which may already hold a gradient.
  void watch(tensor::ConstMatrix value, tensor::Matrix gradient);

  /// The gradient with respect to a watched matrix, or to a block of rows and columns of one; nothing when it is not
  /// watched.
  std::optional<tensor::Matrix> gradient(tensor::ConstMatrix value);
  /// The gradient with respect to a whole watched matrix, for a backward pass that can overwrite it. `fresh` means that
  /// nothing was added to it yet, and its contents are undefined.
  struct Target {
    tensor::Matrix gradient;
    bool fresh;
  };
  Target target(tensor::ConstMatrix value);
  /// The gradient with respect to a vector that was watched as a matrix of one row; empty when it is not watched.
  std::span<float> gradient(const tensor::TensorView& value);

  tensor::Arena& arena() const { return arena_; }

  void record(std::function<void()> backward) { steps_.push_back(std::move(backward)); }
  /// Keeps objects that steps borrow until the steps have run.
  void hold(std::shared_ptr<const void> borrowed) { held_.push_back(std::move(borrowed)); }
  /// Runs all recorded steps, the last one first, and removes them.
  void rewind();

 private:
  struct Watched {
    tensor::ConstMatrix value;
    tensor::Matrix gradient;  // without data until the first use
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
