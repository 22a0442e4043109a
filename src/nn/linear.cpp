#include "nn/linear.h"

#include <algorithm>

#include "ops/round_inputs.h"
#include "ops/rows.h"

namespace e5v::nn {
namespace {

tensor::Place place_of(std::span<const tensor::StoredMatrix> weights) {
  return weights.empty() ? tensor::Place::host : weights.front().values.place;
}

/// bf16 copies of the f32 tensors among `weights`, when the precision asks for 16 bits and the GEMM does not round them
/// anyway.
std::vector<tensor::Tensor> round_weights(std::span<const tensor::StoredMatrix> weights, Precision precision) {
  std::vector<tensor::Tensor> rounded;
  for (const tensor::StoredMatrix& weight : weights) {
    if (precision == Precision::f32 ||
        arithmetic_for(precision, weight.format, place_of(weights)) == ops::Arithmetic::bf16)
      continue;
    if (weight.values.dtype != tensor::DType::f32) continue;
    rounded.emplace_back(tensor::DType::bf16, weight.values.shape, weight.values.place);
    ops::convert(matrix_of(weight.values), matrix_of(rounded.back()));
  }
  return rounded;
}

std::vector<tensor::StoredMatrix> chosen(std::span<const tensor::StoredMatrix> weights,
                                         const std::vector<tensor::Tensor>& rounded) {
  std::vector<tensor::StoredMatrix> parts(weights.begin(), weights.end());
  std::size_t next = 0;
  for (tensor::StoredMatrix& part : parts) {
    if (!rounded.empty() && part.values.dtype == tensor::DType::f32) part = rounded[next++].view();
  }
  return parts;
}

/// All biases as one vector of f32, in their own memory.
tensor::Tensor stacked(std::span<const tensor::TensorView> biases) {
  std::int64_t count = 0;
  for (const tensor::TensorView& bias : biases) count += bias.elements();
  if (count == 0) return {};
  tensor::Tensor result(tensor::DType::f32, {count}, biases.front().place);
  std::int64_t begin = 0;
  for (const tensor::TensorView& bias : biases) {
    ops::convert(matrix_of(bias), matrix_of(result).column_range(begin, bias.elements()));
    begin += bias.elements();
  }
  return result;
}

void add_bias_gradient(tensor::ConstMatrix dy, std::span<float> gradient, tensor::Arena& arena) {
  if (gradient.empty()) return;
  const tensor::Arena::Scope scope(arena);
  ops::add_column_sums(ops::in_type(dy, tensor::DType::f32, arena), gradient);
}

tensor::WeightFormat format_of(std::initializer_list<tensor::StoredMatrix> weights) {
  return weights.size() == 0 ? tensor::WeightFormat::plain : weights.begin()->format;
}

/// The rounding of rows before the product. An optional rounding is done only if all other arithmetic is the
/// reference's. With other arithmetic, the last bits change most roundings, so the rounding would double the noise
/// instead of repeating it.
tensor::InputRounding input_rounding(std::initializer_list<tensor::StoredMatrix> weights, const ops::Weight& weight,
                                     Precision precision) {
  if (weights.size() == 0) return {};
  const tensor::InputRounding& rounding = weights.begin()->inputs;
  for (const tensor::StoredMatrix& other : weights) {
    require<ModelError>(other.inputs == rounding,
                        "[linear] weights that read the same rows (keys and values, or gate and up) have different "
                        "input_scale, input_zero_point or input_activations: such checkpoints are not supported");
  }
  const bool device = weight.place() == tensor::Place::device;
  if (rounding.optional() && (device || precision != Precision::f32)) return {};
  require<ModelError>(!device, "[linear] input_activations with {} are not supported on a GPU; a CPU computes them",
                      rounding.bits == 8 ? "a scale of their own (dynamic false)" : "less than 8 bits");
  return rounding;
}

}  // namespace

Linear::Linear(std::initializer_list<tensor::StoredMatrix> weights, std::initializer_list<tensor::TensorView> biases,
               Precision precision)
    : rounded_(round_weights(weights, precision)),
      weight_(chosen(weights, rounded_), arithmetic_for(precision, format_of(weights), place_of(weights))),
      inputs_(input_rounding(weights, weight_, precision)),
      bias_(stacked(biases)) {
  for (const tensor::StoredMatrix& weight : weights) {
    const std::int64_t begin = parts_.empty() ? 0 : parts_.back().begin + parts_.back().count;
    parts_.push_back({weight.values, {}, begin, weight.rows, nullptr});
  }
  for (const tensor::TensorView& bias : biases) {
    if (biases.size() == parts_.size()) parts_[static_cast<std::size_t>(&bias - biases.begin())].bias = bias;
  }
  require(bias().empty() || bias_.elements() == outputs(), "[linear] {} biases for {} outputs", bias_.elements(),
          outputs());
}

std::int64_t Linear::owned_bytes() const {
  std::int64_t bytes = static_cast<std::int64_t>(bias().size_bytes());
  for (const tensor::Tensor& tensor : rounded_) bytes += tensor.elements() * size_of(tensor.dtype());
  return bytes;
}

void Linear::attach(std::size_t part, const Lora* adapter) {
  require(part < parts_.size(), "[linear] adapter for part {} of {}", part, parts_.size());
  if (adapter != nullptr) {
    require(adapter->inputs() == inputs() && adapter->outputs() == parts_[part].count,
            "[linear] the adapter of {} maps {} to {} numbers, the weight {} to {}", adapter->target, adapter->inputs(),
            adapter->outputs(), inputs(), parts_[part].count);
  }
  parts_[part].adapter = adapter;
}

bool Linear::takes_rounded(const Pass& pass) const {
  const bool adapted = std::ranges::any_of(parts_, [](const Part& part) { return part.adapter != nullptr; });
  return weight_.fp8() && !fine_rows(pass).all && pass.tape == nullptr && pass.observer == nullptr && !adapted;
}

Made make_for(Readers readers, const Pass& pass, std::int64_t rows) {
  require(readers.size() > 0, "[linear] expected at least one reader of the rows, found none");
  const Linear& first = *readers.begin();
  for (const Linear& reader : readers) {
    require(reader.inputs() == first.inputs() && reader.input_type() == first.input_type(),
            "[linear] expected readers of one width and type, found {} of {} and {} of {}", first.inputs(),
            name_of(first.input_type()), reader.inputs(), name_of(reader.input_type()));
  }
  const auto takes_rounded = [&](const Linear& reader) { return reader.takes_rounded(pass); };
  Made made{pass.matrix(first.input_type(), rows, first.inputs()), {}, pass.rows.fine};
  if (!std::ranges::all_of(readers, takes_rounded)) made.kept = {.all = true};
  if (!std::ranges::any_of(readers, takes_rounded)) return made;
  made.rounded_MK = {pass.arena.matrix(tensor::DType::u8, rows, first.inputs()),
                     pass.arena.matrix(tensor::DType::f32, rows, 1)};
  return made;
}

tensor::Matrix Linear::forward(const Pass& pass, const Input& x) const {
  const tensor::Matrix y_MN = pass.matrix(result_type(), x.x_MK.rows, outputs());
  forward(pass, x, y_MN);
  return y_MN;
}

void Linear::run(const Pass& pass, const Input& x, tensor::Matrix y_MN, bool add) const {
  if (pass.observer != nullptr) (*pass.observer)(parts_.front().values, x.x_MK);
  const ops::Fp8Rows rounded = takes_rounded(pass) ? x.rounded_MK : ops::Fp8Rows{};
  {
    const tensor::Arena::Scope scope(pass.arena);
    ops::matmul(rounded_inputs(pass, x.x_MK), weight_, bias(), y_MN, add, fine_rows(pass), rounded);
  }
  adapt_and_record(pass, x.x_MK, y_MN);
}

tensor::ConstMatrix Linear::rounded_inputs(const Pass& pass, tensor::ConstMatrix x_MK) const {
  if (inputs_.scale == tensor::InputRounding::Scale::none) return x_MK;
  const tensor::Matrix rounded_MK = pass.arena.matrix(x_MK.dtype, x_MK.rows, x_MK.columns);
  ops::round_inputs(x_MK, inputs_, rounded_MK);
  return rounded_MK;
}

void Linear::finish(const Pass& pass, const Input& x, tensor::Matrix y_MN) const {
  if (!pass.repeated) return add_to(pass, x, y_MN);
  adapt_and_record(pass, x.x_MK, y_MN);
}

void Linear::adapt_and_record(const Pass& pass, tensor::ConstMatrix x_MK, tensor::Matrix y_MN) const {
  const tensor::DType products = weight_.product_dtype();
  Seen seen(parts_.size());
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    if (part.adapter == nullptr) continue;
    seen[i] = part.adapter->add_to(pass, x_MK, products, y_MN.column_range(part.begin, part.count));
  }
  if (pass.tape == nullptr) return;
  pass.tape->record([=, this, seen = std::move(seen)] { backward(pass, x_MK, seen, y_MN); });
}

void Linear::backward(const Pass& pass, tensor::ConstMatrix x_MK, const Seen& seen, tensor::Matrix y_MN) const {
  Tape& tape = *pass.tape;
  const tensor::DType products = weight_.product_dtype();
  const tensor::Arena::Scope scope(pass.arena);
  tensor::ConstMatrix dy_MN = *tape.gradient(y_MN);
  // Memory is the limit on a GPU, so a matrix is rounded once for all products.
  if (weight_.place() == tensor::Place::device) dy_MN = ops::in_type(dy_MN, products, pass.arena);
  for (std::size_t i = parts_.size(); i-- > 0;) {
    const Part& part = parts_[i];
    const tensor::ConstMatrix dy = dy_MN.column_range(part.begin, part.count);
    if (part.adapter != nullptr) part.adapter->backward(pass, x_MK, seen[i], dy);
    if (const auto dw = tape.gradient(matrix_of(part.values))) {
      const tensor::Arena::Scope inner(pass.arena);
      ops::weight_gradient(ops::in_type(dy, products, pass.arena), ops::in_type(x_MK, products, pass.arena), 1, *dw);
    }
    if (part.bias.data != nullptr) add_bias_gradient(dy, tape.gradient(part.bias), pass.arena);
  }
  if (const auto dx = tape.gradient(x_MK)) ops::matmul_backward(dy_MN, weight_, *dx);
}

}  // namespace e5v::nn
