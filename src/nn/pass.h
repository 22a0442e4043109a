#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "nn/dropout.h"
#include "nn/rows.h"
#include "nn/tape.h"
#include "tensor/arena.h"

namespace e5v::nn {

/// Is shown what enters each product with a weight, which is named by its tensor in the checkpoint (of stacked ones
/// the first).
using Observer = std::function<void(const tensor::TensorView& weight, tensor::ConstMatrix x_MK)>;

/// What a forward pass runs in: memory for its activations, the rows that it works on and, when it is to be
/// differentiated, a tape. A model hands it on and asks it nothing.
struct Pass {
  tensor::Arena& arena;  ///< not that of the tape's gradients
  Tape* tape = nullptr;
  Rows rows = {};
  const Dropout* dropout = nullptr;
  const Observer* observer = nullptr;  ///< only without a tape
  bool keeps_activations = false;      ///< with a tape: blocks are recorded whole instead of computed once more
  bool repeated = false;  ///< of a block, for its backward pass only: what its last operation gives is not read

  Pass(tensor::Arena& memory) : arena(memory) {}  // NOLINT(google-explicit-constructor): a pass without gradients
  Pass(tensor::Arena& memory, Tape& to) : arena(memory), tape(&to) {}

  /// The same without its tape.
  Pass untaped() const {
    Pass result = *this;
    result.tape = nullptr;
    return result;
  }
  /// The same on another tape.
  Pass taped(Tape& to) const {
    Pass result = *this;
    result.tape = &to;
    return result;
  }
  /// The same over other rows.
  Pass over(const Rows& others) const {
    Pass result = *this;
    result.rows = others;
    return result;
  }

  /// A matrix with undefined contents, watched by the tape.
  tensor::Matrix matrix(tensor::DType dtype, std::int64_t rows_M, std::int64_t columns) const {
    const tensor::Matrix result = arena.matrix(dtype, rows_M, columns);
    if (tape != nullptr) tape->watch(result);
    return result;
  }

  /// Keeps something alive until the tape is rewound; without a tape the caller's own reference must do.
  void hold(std::shared_ptr<const void> borrowed) const {
    if (tape != nullptr) tape->hold(std::move(borrowed));
  }

  /// Gives back, at its end, what was taken during its life; with a tape, which reads it later, nothing.
  class Scope {
   public:
    explicit Scope(const Pass& pass) {
      if (pass.tape == nullptr) scope_.emplace(pass.arena);
    }

   private:
    std::optional<tensor::Arena::Scope> scope_;
  };
};

}  // namespace e5v::nn
