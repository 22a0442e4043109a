// The GPU's matrix products against their naive twins.
#include "ops/cuda.h"
#include "ops/matmul.h"

namespace e5v::ops::test {
namespace {

TEST_F(Cuda, MatmulEqualsItsTwin) {
  struct Shape {
    std::int64_t M, K, N1, N2;
  };
  for (const auto& [M, K, N1, N2] : {Shape{1, 8, 8, 8}, Shape{5, 64, 24, 40}, Shape{130, 588, 96, 8},
                                     Shape{77, 256, 512, 128}, Shape{3, 12, 4, 4}}) {
    const RandomMatrix x(M, K, 1), w1(N1, K, 2), w2(N2, K, 3), bias(1, N1 + N2, 4), start(M, N1 + N2, 5);
    for (const Arithmetic arithmetic : {Arithmetic::f32, Arithmetic::bf16}) {
      const DType type = input_dtype(arithmetic);
      for (const DType stored : {DType::f32, DType::f16, DType::bf16}) {
        const Converted first(w1, stored), second(w2, stored);
        const Tensor both = [&] {  // parts one behind the other, which become one product
          Tensor stack(stored, {N1 + N2, K}, Place::device);
          const std::size_t bytes = first.tensor.view().bytes().size();
          tensor::device().copy(first.tensor.data(), Place::host, stack.data(), Place::device, bytes);
          tensor::device().copy(second.tensor.data(), Place::host, stack.data() + bytes, Place::device,
                                second.tensor.view().bytes().size());
          return stack;
        }();
        const Tensor apart = copied(second.tensor.view(), Place::device);
        const tensor::TensorView upper{both.data(), stored, {N1, K}, Place::device};
        const tensor::TensorView lower{both.data() + N1 * K * size_of(stored), stored, {N2, K}, Place::device};
        reference::Matrix w(N1 + N2, K);
        std::ranges::copy(first.exact.values, w.values.begin());
        std::ranges::copy(second.exact.values, w.values.begin() + static_cast<std::ptrdiff_t>(N1 * K));
        const Tensor gx = on_gpu(x, type), gbias = on_gpu(bias);
        reference::Matrix expected = reference::matmul(rounded(x, type), w, bias.exact.values);
        const double bound = arithmetic == Arithmetic::f32 ? 1e-4 : 0.6;
        for (const tensor::TensorView& last : {lower, apart.view()}) {
          const Weight weight(parts_of({upper, last}), arithmetic);
          const Tensor y = empty(M, N1 + N2), typed = empty(M, N1 + N2, weight.result_dtype());
          matmul(matrix_of(gx), weight, gbias.as<float>(), matrix_of(y));
          matmul(matrix_of(gx), weight, gbias.as<float>(), matrix_of(typed));
          EXPECT_LT(difference(y, expected), bound) << M << " " << K << " " << name_of(stored);
          EXPECT_LT(difference(typed, expected), bound) << M << " " << K << " " << name_of(stored);
          const Tensor sum = on_gpu(start);
          matmul(matrix_of(gx), weight, gbias.as<float>(), matrix_of(sum), true);
          reference::Matrix total = expected;
          for (std::size_t i = 0; i < total.values.size(); ++i) total.values[i] += start.exact.values[i];
          EXPECT_LT(difference(sum, total), bound);
          const Tensor dx = ones(M, K), dy = on_gpu(start);
          matmul_backward(matrix_of(dy), weight, matrix_of(dx));
          const reference::Matrix exact_dy = rounded(start, type);
          reference::Matrix back(M, K);
          for (std::int64_t m = 0; m < M; ++m) {
            for (std::int64_t c = 0; c < K; ++c) {
              back.at(m, c) = 1;
              for (std::int64_t n = 0; n < N1 + N2; ++n) back.at(m, c) += exact_dy.at(m, n) * w.at(n, c);
            }
          }
          EXPECT_LT(difference(dx, back), bound);
        }
      }
    }
  }
}

TEST_F(Cuda, ProductsOfTrainingEqualTheirTwins) {
  const std::int64_t M = 45, K = 72, R = 16;
  const RandomMatrix x(M, K, 1), w(R, K, 2), dy(M, R, 3);
  for (const DType type : {DType::f32, DType::bf16}) {
    const double bound = type == DType::f32 ? 1e-4 : 0.3;
    const Tensor gx = on_gpu(x, type), gw = on_gpu(w), gdy = on_gpu(dy, type);
    const Tensor y = ones(M, R), dx = ones(M, K), dw = ones(R, K);
    multiply(matrix_of(gx), matrix_of(gw), 0.5f, matrix_of(y), true);
    multiply_backward(matrix_of(gdy), matrix_of(gw), 0.5f, matrix_of(dx), false);
    weight_gradient(matrix_of(gdy), matrix_of(gx), 1, matrix_of(dw));
    const reference::Matrix ex = rounded(x, type), edy = rounded(dy, type);
    reference::Matrix want_y = reference::matmul(ex, w.exact, {}), want_dx(M, K), want_dw(R, K);
    for (double& value : want_y.values) value = 1 + value / 2;
    std::ranges::fill(want_dw.values, 1.0);
    for (std::int64_t m = 0; m < M; ++m) {
      for (std::int64_t r = 0; r < R; ++r) {
        for (std::int64_t c = 0; c < K; ++c) {
          want_dx.at(m, c) += edy.at(m, r) * w.exact.at(r, c) / 2;
          want_dw.at(r, c) += edy.at(m, r) * ex.at(m, c);
        }
      }
    }
    EXPECT_LT(difference(y, want_y), bound);
    EXPECT_LT(difference(dx, want_dx), bound);
    EXPECT_LT(difference(dw, want_dw), bound);
  }
}

TEST_F(Cuda, QuantisedWeightsEqualTheirTwins) {
  const std::int64_t M = 20, K = 128, N = 48;
  const RandomMatrix x(M, K, 1);
  const Int8Weight int8(N, K, 2);
  const Nf4Weight nf4(N, K, 3);
  const Int4Weight int4(N, K, 4);
  const auto there = [](tensor::StoredMatrix matrix, std::vector<Tensor>& storage) {
    for (tensor::TensorView* view : {&matrix.values, &matrix.scales, &matrix.nf4_tables.code_map,
                                     &matrix.nf4_tables.scale_map, &matrix.nf4_tables.nested_scales}) {
      if (view->data == nullptr) continue;
      storage.push_back(copied(*view, Place::device));
      *view = storage.back().view();
    }
    return matrix;
  };
  const auto check = [&](const tensor::StoredMatrix& stored, const reference::Matrix& exact) {
    for (const Arithmetic arithmetic : {Arithmetic::f32, Arithmetic::bf16}) {
      std::vector<Tensor> storage;
      storage.reserve(5);
      const std::vector<tensor::StoredMatrix> parts{there(stored, storage)};
      const Weight weight(parts, arithmetic);
      const Tensor gx = on_gpu(x, input_dtype(arithmetic)), y = empty(M, N);
      matmul(matrix_of(gx), weight, {}, matrix_of(y));
      const auto expected = reference::matmul(rounded(x, input_dtype(arithmetic)), exact, {});
      double largest = 0;
      for (const double value : expected.values) largest = std::max(largest, std::abs(value));
      EXPECT_LT(difference(y, expected), largest * (arithmetic == Arithmetic::f32 ? 1e-5 : 0.01));
    }
  };
  check(int8.matrix(), int8.exact());
  check(int4.matrix(), int4.exact);
  check(nf4.matrix, nf4.exact);
}

}  // namespace
}  // namespace e5v::ops::test
