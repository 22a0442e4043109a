#include "ops/cpu/weight_forms.h"

#include <gmock/gmock.h>

#include "ops/cpu/gemm.h"
#include "ops/isa.h"
#include "ops/random.h"
#include "ops/weights.h"

namespace e5v::ops::test {
namespace {

using testing::HasSubstr;

/// One weight of each stored format.
struct Stored {
  Converted f32{RandomMatrix(48, 64, 1), tensor::DType::f32}, bf16{RandomMatrix(48, 64, 1), tensor::DType::bf16};
  Int8Weight int8{48, 64, 2};
  Int4Weight int4{48, 64, 3};
  Nf4Weight nf4{48, 64, 4};

  std::vector<tensor::StoredMatrix> all() const {
    return {f32.tensor.view(), bf16.tensor.view(), int8.matrix(), int4.matrix(), nf4.matrix};
  }
};

std::string kernel_of(const tensor::StoredMatrix& stored, Arithmetic arithmetic) {
  return cpu::make_weight_form({&stored, 1}, arithmetic)->kernel();
}

/// The one decision: which kernel multiplies a weight of a format under an arithmetic.
TEST(WeightForms, AreChosenByArithmeticFormatAndMachine) {
  const Stored stored;
  for (const tensor::StoredMatrix& weight : stored.all()) {
    EXPECT_EQ(kernel_of(weight, Arithmetic::f32), "f32 panels") << name_of(weight.format);
    if (has_native_bf16()) {
      EXPECT_THAT(kernel_of(weight, Arithmetic::bf16), HasSubstr("packed blocks")) << name_of(weight.format);
    }
  }
  if (has_native_int8()) {
    EXPECT_THAT(kernel_of(stored.int8.matrix(), Arithmetic::int8), HasSubstr("packed blocks"));
    EXPECT_THAT(kernel_of(stored.int4.matrix(), Arithmetic::int8), HasSubstr("packed blocks"));
  } else {
    EXPECT_EQ(kernel_of(stored.int8.matrix(), Arithmetic::int8), "int8 panels, 16-bit products");
    EXPECT_EQ(kernel_of(stored.int4.matrix(), Arithmetic::int8), "f32 panels");
  }
}

TEST(WeightForms, TellTheTypesAroundThem) {
  const Stored stored;
  for (const Arithmetic arithmetic : {Arithmetic::f32, Arithmetic::bf16, Arithmetic::int8}) {
    if (arithmetic == Arithmetic::bf16 && !has_native_bf16()) continue;
    const tensor::StoredMatrix weight = stored.int8.matrix();
    const auto form = cpu::make_weight_form({&weight, 1}, arithmetic);
    const bool rounds = arithmetic != Arithmetic::f32 && has_native_bf16();
    EXPECT_EQ(form->types().input, input_dtype(arithmetic));
    EXPECT_EQ(form->types().product, rounds ? tensor::DType::bf16 : tensor::DType::f32);
    EXPECT_EQ(form->types().result, tensor::DType::f32);
    EXPECT_EQ(form->place(), tensor::Place::host);
    EXPECT_FALSE(form->fp8());
  }
}

/// A bias is there before the product or comes with it; both ways y is what its twin says.
TEST(WeightForms, MultiplyWithBiasesAndOntoResults) {
  const Stored stored;
  const RandomMatrix bias(1, 48, 6);
  for (const tensor::StoredMatrix& weight : {stored.all()[0], stored.all()[3], stored.all()[4]}) {
    const RandomMatrix x(5, 64, 5), start(5, 48, 7);
    const auto form = cpu::make_weight_form({&weight, 1}, Arithmetic::f32);
    const reference::Matrix& numbers = weight.format == tensor::WeightFormat::plain  ? stored.f32.exact
                                       : weight.format == tensor::WeightFormat::int4 ? stored.int4.exact
                                                                                     : stored.nf4.exact;
    reference::Matrix expected = reference::matmul(x.exact, numbers, bias.exact.values);
    const tensor::Tensor y(tensor::DType::f32, {5, 48});
    form->multiply({x.matrix(), {}, {}, bias.floats().data(), matrix_of(y), false});
    EXPECT_LT(max_difference(matrix_of(y), expected), 2e-3) << name_of(weight.format);
    for (std::size_t i = 0; i < expected.values.size(); ++i) expected.values[i] += start.exact.values[i];
    form->multiply({x.matrix(), {}, {}, bias.floats().data(), start.matrix(), true});
    EXPECT_LT(max_difference(start.matrix(), expected), 2e-3) << name_of(weight.format);
  }
}

TEST(WeightForms, KeepTheMemoryOfTheirKernel) {
  constexpr auto kInt8 = tensor::WeightFormat::int8, kInt4 = tensor::WeightFormat::int4;
  const auto bytes = [](Arithmetic arithmetic, tensor::WeightFormat format) {
    return cpu::weight_form_scratch_bytes(arithmetic, format, 100, 4096);
  };
  EXPECT_EQ(bytes(Arithmetic::f32, kInt8), cpu::gemm_f32_scratch_bytes(100, 4096));
  if (has_native_bf16()) {
    EXPECT_EQ(bytes(Arithmetic::bf16, kInt8), cpu::gemm_bf16_scratch_bytes(100, 4096));
  }
  const bool in_bytes = cpu::multiplies_bytes(4096);
  EXPECT_EQ(bytes(Arithmetic::int8, kInt8),
            in_bytes ? cpu::gemm_bytes_scratch_bytes(100, 4096) : cpu::gemm_int8_scratch_bytes(100, 4096));
  EXPECT_EQ(bytes(Arithmetic::int8, kInt4),
            in_bytes ? cpu::gemm_bytes_scratch_bytes(100, 4096) : cpu::gemm_f32_scratch_bytes(100, 4096));
}

TEST(WeightForms, ScratchGrowsWithRows) {
  for (const Arithmetic arithmetic : {Arithmetic::f32, Arithmetic::int8}) {
    const std::int64_t few = matmul_scratch_bytes(arithmetic, 8, 4096),
                       many = matmul_scratch_bytes(arithmetic, 800, 4096);
    EXPECT_GE(few, 8 * 4096);
    EXPECT_GE(many, few + 792 * 4096);
  }
}

TEST(WeightForms, NoCpuHas8BitFloats) {
  const Stored stored;
  const tensor::StoredMatrix weight = stored.f32.tensor.view();
  EXPECT_THAT(
      [&] {
        cpu::make_weight_form({&weight, 1}, Arithmetic::fp8);
      },
      testing::ThrowsMessage<DeviceError>("[matmul] CPUs have no 8-bit floats: fp8 needs a GPU"));
}

}  // namespace
}  // namespace e5v::ops::test
