#include "ops/cpu/panels.h"

#include <gmock/gmock.h>

#include "ops/cpu/dnnl_matmul.h"
#include "ops/isa.h"
#include "ops/random.h"
#include "ops/rows.h"

namespace e5v::ops::test {
namespace {

using dnnl::memory;
using tensor::DType;

/// How oneDNN wants a weight [N, K] for its own types of activations and results.
memory::desc packed_desc(std::int64_t outputs, std::int64_t inputs, DType weight) {
  const bool bytes = weight == DType::i8;
  const memory::desc any({inputs, outputs}, cpu::dnnl_type(weight), memory::format_tag::any);
  using cpu::matrix_desc;
  const dnnl::matmul::primitive_desc layout({matrix_desc(512, inputs, inputs, bytes ? DType::u8 : DType::bf16), any,
                                             matrix_desc(512, outputs, outputs, bytes ? DType::i32 : DType::f32)},
                                            cpu::dnnl_engine());
  return layout.weights_desc();
}

/// The rows of all parts, reordered by oneDNN.
std::vector<std::byte> reordered(const tensor::Tensor& plain, const memory::desc& desc) {
  std::vector<std::byte> result(desc.get_size());
  memory from(cpu::transposed_desc(plain.shape()[0], plain.shape()[1], plain.dtype()), cpu::dnnl_engine(),
              plain.data()),
      to(desc, cpu::dnnl_engine(), result.data());
  dnnl::stream stream(cpu::dnnl_engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  return result;
}

tensor::Tensor random_bytes(std::int64_t rows, std::int64_t columns) {
  tensor::Tensor values(DType::i8, {rows, columns});
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    values.as<std::int8_t>()[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i * 73 % 251 - 125);
  }
  return values;
}

class Panels : public testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {};
INSTANTIATE_TEST_SUITE_P(Sizes, Panels,
                         testing::Values(std::pair{64, 64}, std::pair{1, 16}, std::pair{65, 352}, std::pair{130, 1030},
                                         std::pair{200, 5}));

TEST_P(Panels, LieAsOneDnnReordersThem) {
  const auto [outputs, inputs] = GetParam();
  for (const DType dtype : {DType::bf16, DType::i8}) {
    if (dtype == DType::bf16 ? !has_native_bf16() : !has_native_int8()) continue;
    const memory::desc desc = packed_desc(outputs, inputs, dtype);
    ASSERT_TRUE(cpu::panel_layout(desc)) << name_of(dtype);
    const tensor::Tensor bytes = random_bytes(outputs, inputs), scales(DType::f32, {outputs, 1});
    const RandomMatrix numbers(outputs, inputs, 1);
    const tensor::Tensor rounded(DType::bf16, {outputs, inputs});
    ops::convert(numbers.matrix(), matrix_of(rounded));
    const std::vector<tensor::StoredMatrix> parts{
        dtype == DType::i8 ? tensor::StoredMatrix::int8(bytes.view(), scales.view()) : rounded.view()};
    const std::vector<std::byte> expected = reordered(dtype == DType::i8 ? bytes : rounded, desc);
    std::vector<std::byte> found(expected.size(), std::byte{0x55});
    memory to(desc, cpu::dnnl_engine(), found.data());
    cpu::pack_weight(parts, 0, to);
    EXPECT_EQ(found, expected) << name_of(dtype);
  }
}

TEST(PanelsOfParts, BeginWhereTheyAreAskedTo) {
  if (!has_native_bf16()) GTEST_SKIP() << "no layout to write here";
  const RandomMatrix first(30, 100, 1), second(80, 100, 2);
  const tensor::Tensor stacked(DType::bf16, {64, 100});  // rows 20 to 84 of both
  ops::convert(first.matrix().row_range(20, 10), matrix_of(stacked).row_range(0, 10));
  ops::convert(second.matrix().row_range(0, 54), matrix_of(stacked).row_range(10, 54));
  const memory::desc desc = packed_desc(64, 100, DType::bf16);
  std::vector<std::byte> found(desc.get_size());
  memory to(desc, cpu::dnnl_engine(), found.data());
  cpu::pack_weight(std::vector<tensor::StoredMatrix>{first.tensor.view(), second.tensor.view()}, 20, to);
  EXPECT_EQ(found, reordered(stacked, desc));
}

TEST(PanelsOfParts, OtherLayoutsAreNotTakenForPanels) {
  EXPECT_FALSE(cpu::panel_layout(memory::desc({64, 64}, memory::data_type::bf16, memory::format_tag::ab)));
  EXPECT_FALSE(cpu::panel_layout(memory::desc({64, 64}, memory::data_type::f32, memory::format_tag::ba)));
}

}  // namespace
}  // namespace e5v::ops::test
