// Legend: M rows, K inputs, N outputs.
#include "ops/cpu/weight_forms.h"

#include <type_traits>
#include <vector>

#include "ops/cpu/gemm.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/panels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"
#include "ops/isa.h"
#include "ops/quantize.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;
using tensor::WeightFormat;
using Parts = std::vector<tensor::StoredMatrix>;

/// Common parts of all forms of a CPU: the stored parts, and the backward pass, which expands them to the type of its
/// products, whatever the forward pass does.
class StoredForm : public WeightForm {
 public:
  StoredForm(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic)
      : parts_(parts.begin(), parts.end()), outputs_(outputs_of(parts)), inputs_(parts[0].columns) {
    types_.input = input_dtype(arithmetic);
    if (arithmetic != Arithmetic::f32 && has_native_bf16()) types_.product = DType::bf16;
  }

  void multiply_backward(tensor::ConstMatrix dy_MN, tensor::Matrix dx_MK) const override {
    (types_.product == DType::bf16 ? gemm_bf16_transposed : gemm_f32_transposed)(dy_MN, parts_, dx_MK, true);
  }
  ProductTypes types() const override { return types_; }
  tensor::Place place() const override { return tensor::Place::host; }

 protected:
  std::string packed_kernel(DType dtype) const {
    if (has_tiles()) return "AMX tiles over packed blocks";
    return packed_form(dtype, outputs_, inputs_).kernel + " over packed blocks";
  }

  Parts parts_;
  std::int64_t outputs_, inputs_;
  ProductTypes types_;
};

/// y = bias, or y += bias. Returns whether a product is to be added to that.
bool begin_with_bias(const WeightProduct& product) {
  const tensor::Matrix y = product.y_MN;
  if (product.bias == nullptr) return product.accumulate;
  for_rows(y.rows, y.columns, [&](std::int64_t index) {
    float* row = y.row<float>(index);
    for (std::int64_t i = 0; i < y.columns; ++i)
      row[i] = product.accumulate ? row[i] + product.bias[i] : product.bias[i];
  });
  return true;
}

/// f32 activations. Weights have any format and are expanded to f32 panel by panel.
class F32Panels final : public StoredForm {
 public:
  using StoredForm::StoredForm;
  void multiply(const WeightProduct& product) const override {
    const bool add = begin_with_bias(product);
    gemm_f32(product.x_MK, parts_, product.y_MN, add);
  }
  std::string kernel() const override { return "f32 panels"; }
  static std::int64_t scratch_bytes(std::int64_t rows, std::int64_t inputs) {
    return gemm_f32_scratch_bytes(rows, inputs);
  }
};

/// bf16 activations. Weights have any format and are rounded to bf16 block by block.
class Bf16Blocks final : public StoredForm {
 public:
  Bf16Blocks(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) : StoredForm(parts, arithmetic) {
    packed_form(DType::bf16, outputs_, inputs_);  // throws when there is no kernel
  }
  void multiply(const WeightProduct& product) const override {
    gemm_bf16(product.x_MK, parts_, product.bias, product.y_MN, product.accumulate);
  }
  std::string kernel() const override { return packed_kernel(DType::bf16); }
  static std::int64_t scratch_bytes(std::int64_t rows, std::int64_t inputs) {
    return gemm_bf16_scratch_bytes(rows, inputs);
  }
};

/// Common parts of both forms with whole numbers: a scale for each row of the weight.
class ScaledForm : public StoredForm {
 public:
  ScaledForm(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) : StoredForm(parts, arithmetic) {
    for (const tensor::StoredMatrix& part : parts) {
      for (std::int64_t row = 0; row < part.rows; ++row) scales_.push_back(byte_scale(part, row));
    }
  }

 protected:
  std::vector<float> scales_;
};

/// x as bytes, in memory that the thread keeps.
QuantizedRows in_bytes(tensor::ConstMatrix x_MK, FineRows fine) {
  thread_local Scratch values;
  thread_local std::vector<ByteScale> scales;
  const std::int64_t rows = x_MK.rows + fine.count(x_MK.rows);
  scales.resize(static_cast<std::size_t>(rows));
  const tensor::Matrix bytes{values.reserve(static_cast<std::size_t>(rows * x_MK.columns)), DType::u8, rows,
                             x_MK.columns, x_MK.columns};
  quantize_bytes(x_MK, fine, bytes, scales.data());
  return {bytes, scales.data(), fine};
}

/// Weights of int8 or int4 and activations as bytes, with 8-bit dot products.
class ByteBlocks final : public ScaledForm {
 public:
  using ScaledForm::ScaledForm;
  void multiply(const WeightProduct& product) const override {
    gemm_bytes(in_bytes(product.x_MK, product.fine), parts_, scales_, product.bias, product.y_MN, product.accumulate);
  }
  std::string kernel() const override { return packed_kernel(DType::i8); }
  static std::int64_t scratch_bytes(std::int64_t rows, std::int64_t inputs) {
    return gemm_bytes_scratch_bytes(rows, inputs);
  }
};

/// Weights of int8, and activations with as many whole numbers as 32-bit sums allow.
class Int8Panels final : public ScaledForm {
 public:
  using ScaledForm::ScaledForm;
  void multiply(const WeightProduct& product) const override {
    const bool add = begin_with_bias(product);
    gemm_int8(product.x_MK, int8_levels(inputs_), parts_, scales_, product.y_MN, add);
  }
  std::string kernel() const override { return "int8 panels, 16-bit products"; }
  static std::int64_t scratch_bytes(std::int64_t rows, std::int64_t inputs) {
    return gemm_int8_scratch_bytes(rows, inputs);
  }
};

/// Chooses a form: calls visit with the type of the class.
template <class Visit>
auto choose(Arithmetic arithmetic, WeightFormat format, std::int64_t inputs, const Visit& visit) {
  if (arithmetic == Arithmetic::bf16) return visit(std::type_identity<Bf16Blocks>());
  if (arithmetic == Arithmetic::f32) return visit(std::type_identity<F32Panels>());
  if (multiplies_bytes(inputs)) return visit(std::type_identity<ByteBlocks>());
  if (format == WeightFormat::int4) return visit(std::type_identity<F32Panels>());
  return visit(std::type_identity<Int8Panels>());
}

}  // namespace

std::unique_ptr<WeightForm> make_weight_form(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) {
  require<DeviceError>(arithmetic != Arithmetic::fp8, "[matmul] CPUs have no 8-bit floats: fp8 needs a GPU");
  const auto make = [&]<class Form>(std::type_identity<Form>) -> std::unique_ptr<WeightForm> {
    return std::make_unique<Form>(parts, arithmetic);
  };
  return choose(arithmetic, parts[0].format, parts[0].columns, make);
}

std::int64_t weight_form_scratch_bytes(Arithmetic arithmetic, WeightFormat format, std::int64_t rows_M,
                                       std::int64_t inputs_K) {
  return choose(arithmetic, format, inputs_K,
                [&]<class Form>(std::type_identity<Form>) { return Form::scratch_bytes(rows_M, inputs_K); });
}

}  // namespace e5v::ops::cpu
