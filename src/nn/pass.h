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

/// Receives the input of each product with a weight. The weight is identified by its tensor in the checkpoint (the
/// first one of stacked tensors).
using Observer = std::function<void(const tensor::TensorView& weight, tensor::ConstMatrix x_MK)>;

/// The context of a forward pass: memory for its activations, its rows and, if it will be differentiated, a tape. A
/// model passes it on without reading it.
struct Pass {
  tensor::Arena& arena;  ///< another arena than that of the tape's gradients
  Tape* tape = nullptr;
  Rows rows = {};
  const Dropout* dropout = nullptr;
  const Observer* observer = nullptr;  ///< only without a tape
  bool keeps_activations = false;      ///< with a tape: activations of blocks are kept instead of computed again
  bool repeated = false;               ///< a block is repeated for its backward pass, and nothing reads its result

  Pass(tensor::Arena& memory) : arena(memory) {}  // NOLINT(google-explicit-constructor): a pass without gradients
  Pass(tensor::Arena& memory, Tape& to) : arena(memory), tape(&to) {}

  /// The same without its tape.
  Pass untaped() const {
    Pass result = *this;
    result.tape = nullptr;
    return result;
  }
  /// The same with another tape.
  Pass taped(Tape& to) const {
    Pass result = *this;
    result.tape = &to;
    return result;
  }
  /// The same for other rows.
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

  /// Keeps an object alive until the tape is rewound. Without a tape, the caller's own reference must suffice.
  void hold(std::shared_ptr<const void> borrowed) const {
    if (tape != nullptr) tape->hold(std::move(borrowed));
  }

  /// Returns, at its end, the memory that was taken while it existed. With a tape, which reads the memory later, it
  /// returns nothing.
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
