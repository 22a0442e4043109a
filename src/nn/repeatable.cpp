#include "nn/repeatable.h"

#include <memory>

#include "ops/rows.h"

namespace e5v::nn {
namespace {

/// Runs the part and keeps everything that it records. Gradients with respect to its activations exist only while that
/// is rewound.
void run_kept(const Pass& outer, tensor::Matrix x, tensor::Matrix y, const Part& part) {
  const auto tape = std::make_shared<Tape>(outer.tape);
  part(x, y, outer.taped(*tape));
  // Holds the part, because its backward pass reads what it owns.
  outer.tape->record([=, holder = part, &outer_tape = *outer.tape] {
    for (const tensor::Matrix& lasting : {x, y}) static_cast<void>(outer_tape.gradient(lasting));
    const tensor::Arena::Scope gradients(tape->arena());
    tape->rewind();
  });
}

/// The gradients with respect to x and y belong to the outer tape. If y is x, the gradient with respect to y becomes
/// that with respect to x step by step.
/// step.
void run_backward(const Pass& outer, tensor::ConstMatrix kept, tensor::Matrix x, tensor::Matrix y, const Part& part) {
  const tensor::Matrix dx = *outer.tape->gradient(x), dy = *outer.tape->gradient(y);
  const tensor::Arena::Scope activations(outer.arena), gradients(outer.tape->arena());
  Tape tape(outer.tape);
  Pass pass = outer.taped(tape);
  pass.repeated = true;
  const tensor::Matrix again = outer.arena.matrix(x.dtype, x.rows, x.columns);
  ops::convert(kept, again);
  tape.watch(again, dx);
  if (y.data == x.data) {
    part(again, again, pass);
  } else {
    const tensor::Matrix result = outer.arena.matrix(y.dtype, y.rows, y.columns);
    tape.watch(result, dy);
    part(again, result, pass);
  }
  tape.rewind();
}

}  // namespace

void repeatable(const Pass& pass, tensor::Matrix x, tensor::Matrix y, Part part) {
  if (pass.tape == nullptr) return part(x, y, pass);
  if (pass.keeps_activations) return run_kept(pass, x, y, part);
  const tensor::Matrix kept = pass.arena.matrix(x.dtype, x.rows, x.columns);
  ops::convert(x, kept);
  {
    const tensor::Arena::Scope scope(pass.arena);
    part(x, y, pass.untaped());
  }
  pass.tape->record([=, outer = pass, part = std::move(part)] { run_backward(outer, kept, x, y, part); });
}

}  // namespace e5v::nn
