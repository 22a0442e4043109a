#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "nn/dropout.h"
#include "nn/tape.h"
#include "ops/matmul.h"
#include "tensor/arena.h"

namespace e5v::nn {

/// What a forward pass runs in: memory for its activations and, when it is to be differentiated, a tape.
struct Pass {
  tensor::Arena& arena;  ///< not that of the tape's gradients
  Tape* tape = nullptr;
  const Dropout* dropout = nullptr;
  std::span<const std::uint64_t> row_names;  ///< for dropout, of the rows that the pass works on
  ops::FineRows fine_rows;         ///< those that vectors are made of, as far as the arithmetic makes a difference
  bool keeps_activations = false;  ///< with a tape: blocks are recorded whole instead of computed once more
  bool repeated = false;  ///< of a block, for its backward pass only: what its last operation gives is not read

  Pass(tensor::Arena& memory) : arena(memory) {}  // NOLINT(google-explicit-constructor): a pass without gradients
  Pass(tensor::Arena& memory, Tape& to) : arena(memory), tape(&to) {}

  /// The same without its tape.
  Pass untaped() const {
    Pass result = *this;
    result.tape = nullptr;
    return result;
  }
  /// The same for rows of these names.
  Pass naming(std::span<const std::uint64_t> rows) const {
    Pass result = *this;
    result.row_names = rows;
    return result;
  }

  /// The same with these rows computed finer than the others. A list must live until the tape is rewound.
  Pass with_fine(ops::FineRows rows) const {
    Pass result = *this;
    result.fine_rows = rows;
    return result;
  }

  /// A matrix with undefined contents, watched by the tape.
  tensor::Matrix matrix(tensor::DType dtype, std::int64_t rows, std::int64_t columns) const {
    const tensor::Matrix result = arena.matrix(dtype, rows, columns);
    if (tape != nullptr) tape->watch(result);
    return result;
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
