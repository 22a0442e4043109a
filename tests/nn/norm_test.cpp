#include "nn/norm.h"

#include "nn/gradients.h"
#include "ops/reference/ops.h"

namespace e5v::nn::test {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;

constexpr float kEps = 1e-3f;

ops::reference::Matrix in_double(const Tensor& x) {
  ops::reference::Matrix result(x.shape()[0], x.shape()[1]);
  std::ranges::copy(x.as<float>(), result.values.begin());
  return result;
}

void expect_near(tensor::ConstMatrix found, const ops::reference::Matrix& expected, double bound) {
  for (std::int64_t r = 0; r < found.rows; ++r) {
    for (std::int64_t c = 0; c < found.columns; ++c) EXPECT_NEAR(found.row<float>(r)[c], expected.at(r, c), bound);
  }
}

TEST(RmsNorm, EqualsItsTwinAndHasTheGradientsOfFiniteDifferences) {
  const Tensor x = random_tensor(3, 8, 1), gamma = random_tensor(1, 8, 2), y(DType::f32, {3, 8});
  tensor::Arena arena;
  RmsNorm(gamma.view(), kEps).forward(arena, matrix_of(x), matrix_of(y));
  expect_near(matrix_of(y), ops::reference::rms_norm(in_double(x), in_double(gamma).values, double{kEps}), 1e-5);
  std::vector<Tensor> inputs;
  inputs.push_back(random_tensor(3, 8, 1));
  inputs.push_back(random_tensor(1, 8, 2));
  expect_gradients(inputs, [](const Pass& pass, const std::vector<Tensor>& in) {
    const auto norm = std::make_shared<const RmsNorm>(in[1].view(), kEps);
    pass.hold(norm);
    const Matrix out = pass.matrix(DType::f32, 3, 8);
    norm->forward(pass, matrix_of(in[0]), out);
    return out;
  });
}

TEST(LayerNorm, EqualsItsTwinAndHasTheGradientsOfFiniteDifferences) {
  const Tensor x = random_tensor(3, 8, 1), gamma = random_tensor(1, 8, 2), beta = random_tensor(1, 8, 3),
               y(DType::f32, {3, 8});
  tensor::Arena arena;
  LayerNorm(gamma.view(), beta.view(), kEps).forward(arena, matrix_of(x), matrix_of(y));
  expect_near(matrix_of(y),
              ops::reference::layer_norm(in_double(x), in_double(gamma).values, in_double(beta).values, double{kEps}),
              1e-5);
  std::vector<Tensor> inputs;
  inputs.push_back(random_tensor(3, 8, 1));
  inputs.push_back(random_tensor(1, 8, 2));
  inputs.push_back(random_tensor(1, 8, 3));
  expect_gradients(inputs, [](const Pass& pass, const std::vector<Tensor>& in) {
    const auto norm = std::make_shared<const LayerNorm>(in[1].view(), in[2].view(), kEps);
    pass.hold(norm);
    const Matrix out = pass.matrix(DType::f32, 3, 8);
    norm->forward(pass, matrix_of(in[0]), out);
    return out;
  });
}

/// What is made for a reader is what is made of its type.
TEST(Norms, MakeTheTypeOfTheirReader) {
  const Tensor w = random_tensor(4, 8, 4), x = random_tensor(3, 8, 1), gamma = random_tensor(1, 8, 2);
  tensor::Arena arena;
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const Linear reader({w.view()}, precision), other({w.view()}, precision);
    const Tensor expected(reader.input_type(), {3, 8});
    const RmsNorm rms(gamma.view(), kEps);
    rms.forward(arena, matrix_of(x), matrix_of(expected));
    const Input made = rms.forward(arena, matrix_of(x), {reader, other});
    ASSERT_EQ(made.x_MK.dtype, reader.input_type());
    EXPECT_EQ(std::memcmp(made.x_MK.data, expected.data(), expected.view().bytes().size()), 0);
    EXPECT_TRUE(made.rounded_MK.empty());
    const LayerNorm layer(gamma.view(), gamma.view(), kEps);
    layer.forward(arena, matrix_of(x), matrix_of(expected));
    const Matrix normed = layer.forward(arena, matrix_of(x), reader);
    ASSERT_EQ(normed.dtype, reader.input_type());
    EXPECT_EQ(std::memcmp(normed.data, expected.data(), expected.view().bytes().size()), 0);
  }
}

}  // namespace
}  // namespace e5v::nn::test
