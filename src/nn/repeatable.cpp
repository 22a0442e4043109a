#include "nn/repeatable.h"

#include "ops/rows.h"

namespace e5v::nn {
namespace {

/// The gradients by x and y are those of the outer tape. Where y is x, the gradient by y becomes that by x step by
/// step.
void run_backward(const Pass& outer, tensor::ConstMatrix kept, tensor::Matrix x, tensor::Matrix y, const Part& part) {
  const tensor::Matrix dx = *outer.tape->gradient(x), dy = *outer.tape->gradient(y);
  const tensor::Arena::Scope scope(outer.arena);
  Tape tape(outer.tape->arena(), outer.tape);
  Pass pass(outer.arena, tape);
  pass.dropout = outer.dropout;
  pass.row_names = outer.row_names;
  pass.fine_rows = outer.fine_rows;
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
  if (pass.keeps_activations) {
    pass.tape->record([part] {});  // runs last: what the part holds lives as long as its backward pass
    return part(x, y, pass);
  }
  const tensor::Matrix kept = pass.arena.matrix(x.dtype, x.rows, x.columns);
  ops::convert(x, kept);
  {
    const tensor::Arena::Scope scope(pass.arena);
    part(x, y, pass.untaped());
  }
  pass.tape->record([=, outer = pass, part = std::move(part)] { run_backward(outer, kept, x, y, part); });
}

}  // namespace e5v::nn
