// The whole matrix of the reference, which is too big for the repository.
#include <gmock/gmock.h>

#include "golden.h"
#include "ops/nf4.h"
#include "ops/nf4_golden.h"
#include "ops/quantize.h"

namespace e5v::ops::test {
namespace {

using tensor::DType;
using tensor::SafetensorsFile;
using tensor::Tensor;

SafetensorsFile whole_golden() {
  const std::filesystem::path folder = e5v::test::extended_goldens();
  require(!folder.empty(), "[extended] E5V_EXTENDED_GOLDENS must name the folder of the full goldens");
  return SafetensorsFile(folder / "goldens/nf4/nf4.safetensors");
}

Tensor to_half(std::span<const float> values, const tensor::Shape& shape) {
  Tensor half(DType::f16, shape);
  std::ranges::transform(values, half.as<tensor::Half>().begin(), [](float x) { return tensor::Half(x); });
  return half;
}

void expect_same(const Nf4Weight& weight, const SafetensorsFile& file, const std::string& prefix) {
  const auto expected = [&](const char* name) { return part_of(file, (prefix + name).c_str()).bytes(); };
  EXPECT_TRUE(same_bytes(weight.codes.view().bytes(), expected("packed")));
  EXPECT_TRUE(same_bytes(weight.scales.view().bytes(), expected("qabsmax")));
  EXPECT_TRUE(same_bytes(weight.nested_scales.view().bytes(), expected("state2_absmax")));
  EXPECT_TRUE(same_bytes(std::as_bytes(std::span(&weight.matrix.nf4_tables.offset, 1)), expected("offset")));
}

TEST(QuantizeNf4Extended, EveryPartIsTheReferencesBitByBit) {
  const SafetensorsFile file = whole_golden();
  const tensor::TensorView& A = part_of(file, "A");
  const Nf4Weight weight = quantize_nf4(A);
  expect_same(weight, file, "");
  expect_same(quantize_nf4(to_half(A.as<float>(), A.shape).view()), file, "A_f16_input.");
  const Tensor wide(DType::f32, A.shape);
  ops::expand_rows(weight.matrix, 0, matrix_of(wide));
  EXPECT_TRUE(
      same_bytes(to_half(wide.as<float>(), A.shape).view().bytes(), part_of(file, "dequant_nested_f16").bytes()));
}

}  // namespace
}  // namespace e5v::ops::test
