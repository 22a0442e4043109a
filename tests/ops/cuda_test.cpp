// The GPU's kernels against the naive twins, or against the CPU's kernels, which have been compared with these. Without
// a GPU there is nothing to compare.
#include <gmock/gmock.h>

#include <numeric>

#include "ops/accelerator.h"
#include "ops/activation.h"
#include "ops/attention.h"
#include "ops/dropout.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/random.h"
#include "ops/rotary.h"
#include "ops/rows.h"
#include "ops/weights.h"

namespace e5v::ops::test {
namespace {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Place;
using tensor::Tensor;

/// A copy on the GPU, in another type if need be.
Tensor on_gpu(const Tensor& source, DType type = DType::f32) {
  Tensor copy = copied(source.view(), Place::device);
  if (type == source.dtype()) return copy;
  Tensor result(type, source.shape(), Place::device);
  convert(matrix_of(copy), matrix_of(result));
  return result;
}
Tensor on_gpu(const RandomMatrix& source, DType type = DType::f32) { return on_gpu(source.tensor, type); }

Tensor empty(std::int64_t rows, std::int64_t columns, DType type = DType::f32) {
  Tensor result(type, {rows, columns}, Place::device);
  const Tensor poison(DType::u8, {rows * columns * size_of(type)});
  std::ranges::fill(poison.as<std::uint8_t>(), std::uint8_t{0xFF});  // not a number in every type
  tensor::device().copy(poison.data(), Place::host, result.data(), Place::device, poison.view().bytes().size());
  return result;
}

Tensor ones(std::int64_t rows, std::int64_t columns) {
  Tensor result = empty(rows, columns);
  fill(matrix_of(result), 1);
  return result;
}

Tensor on_host(const Tensor& source) { return copied(source.view(), Place::host); }

/// Largest difference between a matrix on the GPU and what it should be.
double difference(const Tensor& found, const reference::Matrix& expected) {
  const Tensor host = on_host(found);
  return max_difference(matrix_of(host), expected);
}
double difference(const Tensor& found, const Tensor& expected) {
  reference::Matrix exact(expected.shape()[0], expected.elements() / expected.shape()[0]);
  for (std::size_t i = 0; i < exact.values.size(); ++i) exact.values[i] = expected.as<float>()[i];
  return difference(found, exact);
}

/// The values of a matrix after rounding to a type, as doubles.
reference::Matrix rounded(const RandomMatrix& source, DType type) { return Converted(source, type).exact; }

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    try {
      open_device("cuda");
    } catch (const DeviceError& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

class CudaWidths : public Cuda, public testing::WithParamInterface<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Widths, CudaWidths, testing::Values(1, 3, 8, 31, 33, 128, 1000, 1024, 4096, 14336));

TEST_P(CudaWidths, NormsEqualTheirTwins) {
  const std::int64_t D = GetParam();
  const RandomMatrix x(5, D, 1), gamma(1, D, 2), beta(1, D, 3);
  const Tensor gx = on_gpu(x), ggamma = on_gpu(gamma), gbeta = on_gpu(beta);
  const auto rms = reference::rms_norm(x.exact, gamma.exact.values, 1e-5);
  const auto layer = reference::layer_norm(x.exact, gamma.exact.values, beta.exact.values, 1e-5);
  for (const DType type : {DType::f32, DType::bf16}) {
    const double bound = type == DType::f32 ? 2e-5 : 0.06;
    const Tensor y = empty(5, D, type);
    rms_norm(matrix_of(gx), ggamma.as<float>(), 1e-5f, matrix_of(y));
    EXPECT_LT(difference(y, rms), bound);
    layer_norm(matrix_of(gx), ggamma.as<float>(), gbeta.as<float>(), 1e-5f, matrix_of(y));
    EXPECT_LT(difference(y, layer), bound);
  }
  rms_norm(matrix_of(gx), ggamma.as<float>(), 1e-5f, matrix_of(gx));  // in place
  EXPECT_LT(difference(gx, rms), 2e-5);
  const Tensor rows = on_gpu(x), expected = on_host(rows);
  l2_normalize(matrix_of(rows), matrix_of(rows));
  l2_normalize(matrix_of(expected), matrix_of(expected));
  EXPECT_LT(difference(rows, expected), 1e-6);
}

TEST_P(CudaWidths, NormGradientsEqualTheCpus) {
  const std::int64_t D = GetParam(), T = 37;
  const RandomMatrix x(T, D, 1), gamma(1, D, 2), dy(T, D, 3);
  const Tensor gx = on_gpu(x), ggamma = on_gpu(gamma), gdy = on_gpu(dy);
  for (const bool centred : {false, true}) {
    GradientSum dx(T, D), dgamma(1, D), dbeta(1, D);
    const Tensor gdx = ones(T, D), gdgamma = ones(1, D), gdbeta = ones(1, D);
    const auto run = [&](const Tensor& in, const Tensor& g, const Tensor& d, const Tensor& to, std::span<float> dg,
                         std::span<float> db) {
      if (centred) return layer_norm_backward(matrix_of(in), g.as<float>(), 1e-3f, matrix_of(d), matrix_of(to), dg, db);
      rms_norm_backward(matrix_of(in), g.as<float>(), 1e-3f, matrix_of(d), matrix_of(to), dg);
    };
    run(x.tensor, gamma.tensor, dy.tensor, dx.tensor, dgamma.tensor.as<float>(), dbeta.tensor.as<float>());
    run(gx, ggamma, gdy, gdx, gdgamma.as<float>(), gdbeta.as<float>());
    EXPECT_LT(difference(gdx, dx.tensor), 2e-4) << centred;
    EXPECT_LT(difference(gdgamma, dgamma.tensor), 2e-4) << centred;
    EXPECT_LT(difference(gdbeta, dbeta.tensor), 2e-4) << centred;
    const Tensor again = ones(1, D), other = ones(T, D);
    run(gx, ggamma, gdy, other, again.as<float>(), {});
    EXPECT_EQ(difference(again, on_host(gdgamma)), 0) << "sums have one order";
  }
}

TEST_P(CudaWidths, ActivationsAndTheirGradientsEqualTheCpus) {
  const std::int64_t F = GetParam();
  const RandomMatrix x(5, F, 1, 3), dy(5, F, 2), wide(5, 2 * F, 3, 2);
  for (const DType in : {DType::f32, DType::bf16}) {
    const Converted exact_x(x, in), exact_wide(wide, in);
    // The values after rounding, as f32, for the CPU.
    Tensor fx(DType::f32, {5, F}), fwide(DType::f32, {5, 2 * F});
    for (std::size_t i = 0; i < exact_x.exact.values.size(); ++i)
      fx.as<float>()[i] = static_cast<float>(exact_x.exact.values[i]);
    for (std::size_t i = 0; i < exact_wide.exact.values.size(); ++i)
      fwide.as<float>()[i] = static_cast<float>(exact_wide.exact.values[i]);
    const Tensor gx = on_gpu(x, in), gwide = on_gpu(wide, in), gdy = on_gpu(dy);
    const auto check = [&](const auto& forward, const auto& backward, const Tensor& cpu_in, const Tensor& gpu_in) {
      const Tensor expected(DType::f32, {5, F});
      forward(matrix_of(cpu_in), matrix_of(expected));
      for (const DType out : {DType::f32, DType::bf16}) {
        const Tensor y = empty(5, F, out);
        forward(matrix_of(gpu_in), matrix_of(y));
        EXPECT_LT(difference(y, expected), out == DType::f32 ? 1e-4 : 0.3) << name_of(in) << " " << name_of(out);
      }
      GradientSum dx(5, cpu_in.shape()[1]);
      const Tensor gdx = ones(5, cpu_in.shape()[1]);
      backward(matrix_of(cpu_in), dy.matrix(), dx.matrix());
      backward(matrix_of(gpu_in), matrix_of(gdy), matrix_of(gdx));
      EXPECT_LT(difference(gdx, dx.tensor), 2e-4) << name_of(in);
    };
    check(quick_gelu, quick_gelu_backward, fx, gx);
    check(gelu, gelu_backward, fx, gx);
    check(gelu_tanh, gelu_tanh_backward, fx, gx);
    check(
        swiglu, [](auto&&... a) { swiglu_backward(a...); }, fwide, gwide);
    const Tensor written = empty(5, 2 * F), expected(DType::f32, {5, 2 * F});  // not a number before
    swiglu_backward(matrix_of(gwide), matrix_of(gdy), matrix_of(written), false);
    swiglu_backward(matrix_of(fwide), dy.matrix(), matrix_of(expected), false);
    EXPECT_LT(difference(written, expected), 2e-4) << name_of(in);
  }
}

TEST_P(CudaWidths, RowsAreMovedAsOnTheCpu) {
  const std::int64_t D = GetParam();
  const RandomMatrix x(6, D, 1), base(7, D, 2);
  const Tensor gx = on_gpu(x);
  const std::vector<std::int64_t> picked{5, 0, 0, 3}, from{1, 4, 2}, to{6, 0, 3}, repeated{2, -1, 2, 0, 2, 6};
  for (const DType type : {DType::f32, DType::bf16}) {
    const Tensor typed = on_gpu(x, type), y = empty(4, D, type), host = on_host(typed);
    const Tensor expected(type, {4, D});
    select_rows(matrix_of(host), picked, matrix_of(expected));
    select_rows(matrix_of(typed), picked, matrix_of(y));
    EXPECT_TRUE(std::ranges::equal(on_host(y).view().bytes(), expected.view().bytes()));
  }
  for (const bool add : {false, true}) {
    const Tensor y = on_gpu(base), expected = on_host(y);
    move_rows(matrix_of(gx), from, to, matrix_of(y), add);
    move_rows(x.matrix(), from, to, matrix_of(expected), add);
    EXPECT_EQ(difference(y, expected), 0);
  }
  const Tensor y = on_gpu(base), expected = on_host(y);
  add_rows(matrix_of(gx), repeated, matrix_of(y));
  add_rows(x.matrix(), repeated, matrix_of(expected));
  EXPECT_EQ(difference(y, expected), 0) << "sums are in the order of x";
  const std::vector<std::int32_t> indices{-1, 5, 0, 0, -1, 2, 1};
  for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
    const Converted table(x, type);
    const Tensor gtable = copied(table.tensor.view(), Place::device), gathered = on_gpu(base);
    const Tensor want = on_host(gathered);
    gather_rows(gtable.view(), indices, matrix_of(gathered));
    gather_rows(table.tensor.view(), indices, matrix_of(want));
    EXPECT_EQ(difference(gathered, want), 0) << name_of(type);
  }
  const Tensor part = empty(3, D);  // rows of a wider matrix, on their way to the host and back
  copy(matrix_of(gx).row_range(2, 3), matrix_of(part));
  EXPECT_EQ(std::memcmp(on_host(part).data(), x.tensor.data() + 2 * D * 4, static_cast<std::size_t>(3 * D * 4)), 0);
}

TEST_P(CudaWidths, SumsAndConversionsEqualTheCpus) {
  const std::int64_t D = GetParam();
  const RandomMatrix x(301, D, 1);
  const Tensor gx = on_gpu(x), sums = ones(1, D);
  GradientSum expected(1, D);
  add_column_sums(x.matrix(), expected.tensor.as<float>());
  add_column_sums(matrix_of(gx), sums.as<float>());
  EXPECT_LT(difference(sums, expected.tensor), 1e-4);
  const Tensor doubled = on_gpu(x);
  add(matrix_of(gx), matrix_of(doubled));
  const Tensor twice = on_host(gx);
  for (float& value : twice.as<float>()) value *= 2;
  EXPECT_EQ(difference(doubled, twice), 0);
  const Tensor host_bf16(DType::bf16, {301, D}), gpu_bf16 = on_gpu(x, DType::bf16);
  convert(x.matrix(), matrix_of(host_bf16));
  EXPECT_TRUE(std::ranges::equal(on_host(gpu_bf16).view().bytes(), host_bf16.view().bytes())) << "to nearest even";
  const Converted half(x, DType::f16);
  const Tensor wide = widened(copied(half.tensor.view(), Place::device).view());
  EXPECT_EQ(difference(wide, half.exact), 0);
}

TEST_P(CudaWidths, DropoutDropsTheSame) {
  const std::int64_t D = GetParam();
  const RandomMatrix x(4, D, 1);
  const std::vector<std::uint64_t> names{3, 0xFFFF'FFFF'0000'0001, 77, 12};
  const DropoutKey key{5, 6, 7};
  for (const DType type : {DType::f32, DType::bf16}) {
    const Tensor gx = on_gpu(x, type), hx = on_host(gx), y = empty(4, D, type), expected(type, {4, D});
    dropout(matrix_of(hx), 0.25f, key, names, matrix_of(expected));
    dropout(matrix_of(gx), 0.25f, key, names, matrix_of(y));
    EXPECT_TRUE(std::ranges::equal(on_host(y).view().bytes(), expected.view().bytes())) << name_of(type);
    const Tensor sum = ones(4, D), want = on_host(sum);
    dropout(matrix_of(hx), 0.25f, key, names, matrix_of(want), true);
    dropout(matrix_of(gx), 0.25f, key, names, matrix_of(sum), true);
    EXPECT_LT(difference(sum, want), 1e-6);
  }
}

TEST_F(Cuda, RotaryEqualsTheCpus) {
  for (const std::int64_t pairs : {1, 5, 8, 32, 64}) {
    std::vector<float> frequencies;
    for (std::int64_t i = 0; i < pairs; ++i) frequencies.push_back(1.0f / static_cast<float>(i + 1));
    const RotaryTable table(frequencies, 3000);
    const std::vector<std::int32_t> positions{0, 2999, 17, 17, 1};
    const RandomMatrix x(5, 3 * 2 * pairs, 1);
    const Tensor gx = on_gpu(x), expected = on_host(gx), small = on_gpu(x, DType::bf16);
    rotary(matrix_of(expected), positions, table);
    rotary(matrix_of(gx), positions, table);
    EXPECT_LT(difference(gx, expected), 1e-6);
    rotary(matrix_of(small), positions, table);
    EXPECT_LT(difference(small, expected), 0.05);
    rotary_backward(matrix_of(gx), positions, table);
    EXPECT_LT(difference(gx, x.exact), 2e-6);
  }
}

TEST_F(Cuda, PatchesEqualTheCpus) {
  std::vector<std::uint8_t> tiles(2 * 3 * 30 * 30);
  std::iota(tiles.begin(), tiles.end(), std::uint8_t{0});
  std::array<std::array<float, 256>, 3> table{};
  for (std::size_t i = 0; i < 768; ++i) table[i / 256][i % 256] = static_cast<float>(i) / 7;
  for (const std::int64_t patch : {7, 14, 30}) {
    const std::int64_t grid = 30 / patch, rows = 2 * grid * grid, columns = 3 * patch * patch;
    const Tensor expected(DType::f32, {rows, columns}), y = empty(rows, columns),
                                                        small = empty(rows, columns, DType::bf16);
    unfold_patches(tiles, 30, patch, table, matrix_of(expected));
    unfold_patches(tiles, 30, patch, table, matrix_of(y));
    unfold_patches(tiles, 30, patch, table, matrix_of(small));
    EXPECT_EQ(difference(y, expected), 0);
    EXPECT_LT(difference(small, expected), 0.3);
    const RandomMatrix patches(rows, 20, 1), positions(grid * grid + 1, 20, 2), first(1, 20, 3);
    const Tensor placed(DType::f32, {rows + 2, 20}), gplaced = empty(rows + 2, 20);
    const Tensor gpatches = on_gpu(patches), gpositions = on_gpu(positions), gfirst = on_gpu(first);
    place_patches(patches.matrix(), first.floats(), positions.matrix(), matrix_of(placed));
    place_patches(matrix_of(gpatches), gfirst.as<float>(), matrix_of(gpositions), matrix_of(gplaced));
    EXPECT_EQ(difference(gplaced, placed), 0);
  }
}

struct Heads {
  std::int64_t heads, kv_heads, width;
};

class CudaAttention : public Cuda, public testing::WithParamInterface<Heads> {
 protected:
  void expect_equal(const AttentionPlan& plan, std::int64_t queries, std::int64_t keys) const {
    const auto [heads, kv_heads, width] = GetParam();
    const std::int64_t HE = heads * width, KE = kv_heads * width;
    const RandomMatrix q(queries, HE, 1), kv(keys, 2 * KE, 2);
    const float scale = 1 / std::sqrt(static_cast<float>(width));
    for (const DType type : {DType::f32, DType::bf16}) {
      const reference::Matrix exact_q = rounded(q, type), exact_kv = rounded(kv, type);
      reference::Matrix k(keys, KE), v(keys, KE);
      for (std::int64_t r = 0; r < keys; ++r) {
        for (std::int64_t c = 0; c < KE; ++c) k.at(r, c) = exact_kv.at(r, c), v.at(r, c) = exact_kv.at(r, KE + c);
      }
      const auto expected = reference::attention(exact_q, k, v, heads, kv_heads, scale, plan);
      const Tensor gq = on_gpu(q, type), gkv = on_gpu(kv, type);
      const ConstMatrix keys_values = matrix_of(gkv);
      for (const DType out_type : {DType::f32, DType::bf16}) {
        const Tensor out = empty(queries, HE, out_type);
        if (out_type == DType::f32) fill(matrix_of(out), 0);
        tensor::Arena arena(Place::device);
        attention({matrix_of(gq), keys_values.column_range(0, KE), keys_values.column_range(KE, KE), matrix_of(out),
                   heads, kv_heads, scale, type == DType::bf16},
                  plan, arena);
        EXPECT_LT(difference(out, expected), type == DType::f32 && out_type == DType::f32 ? 1e-5 : 0.03)
            << heads << " " << kv_heads << " " << width << " " << name_of(type) << " to " << name_of(out_type) << ", "
            << queries << " queries";
      }
    }
  }

  /// The CPU's gradients have been compared with finite differences.
  void expect_gradients(const AttentionPlan& plan, std::int64_t queries, std::int64_t keys) const {
    const auto [heads, kv_heads, width] = GetParam();
    const std::int64_t HE = heads * width, KE = kv_heads * width;
    const RandomMatrix q(queries, HE, 1), k(keys, KE, 2), v(keys, KE, 3), dout(queries, HE, 4);
    const float scale = 1 / std::sqrt(static_cast<float>(width));
    for (const DType type : {DType::f32, DType::bf16}) {
      const Tensor gq = on_gpu(q, type), gk = on_gpu(k, type), gv = on_gpu(v, type), gdout = on_gpu(dout);
      const Tensor fq = on_host(widened(gq.view())), fk = on_host(widened(gk.view())), fv = on_host(widened(gv.view()));
      GradientSum dq(queries, HE), dk(keys, KE), dv(keys, KE);
      attention_backward({matrix_of(fq), matrix_of(fk), matrix_of(fv), dout.matrix(), dq.matrix(), dk.matrix(),
                          dv.matrix(), heads, kv_heads, scale},
                         plan);
      const Tensor gdq = ones(queries, HE), gdk = ones(keys, KE), gdv = ones(keys, KE);
      attention_backward({matrix_of(gq), matrix_of(gk), matrix_of(gv), matrix_of(gdout), matrix_of(gdq), matrix_of(gdk),
                          matrix_of(gdv), heads, kv_heads, scale},
                         plan);
      const double bound = type == DType::f32 ? 1e-4 : 0.08;
      EXPECT_LT(difference(gdq, dq.tensor), bound) << width << " " << name_of(type) << " " << queries;
      EXPECT_LT(difference(gdk, dk.tensor), bound) << width << " " << name_of(type) << " " << queries;
      EXPECT_LT(difference(gdv, dv.tensor), bound) << width << " " << name_of(type) << " " << queries;
    }
  }

  /// A root of 20 rows with two children, one of which has two of its own; a second tree beside it.
  static AttentionPlan forest() {
    return {{{0, 20}, {20, 7}, {27, 300}, {327, 1}, {328, 18}, {346, 9}},
            {{{0, 20}, {0}, true},
             {{20, 7}, {0, 1}, true},
             {{27, 300}, {0, 2}, true},
             {{327, 1}, {0, 2, 3}, true},
             {{328, 18}, {0, 2, 4}, true},
             {{346, 9}, {5}, true}}};
  }
};

INSTANTIATE_TEST_SUITE_P(Shapes, CudaAttention,
                         testing::Values(Heads{8, 2, 16}, Heads{4, 4, 64}, Heads{8, 2, 64}, Heads{4, 1, 128},
                                         Heads{8, 2, 128}, Heads{2, 2, 80}, Heads{3, 3, 20}, Heads{1, 1, 2},
                                         Heads{6, 2, 32}));

TEST_P(CudaAttention, EqualsItsTwin) {
  for (const std::int64_t length : {1, 2, 15, 17, 63, 64, 65, 200}) {
    expect_equal({{{0, length}}, {{{0, length}, {0}, true}}}, length, length);
  }
  expect_equal({{{0, 50}, {50, 77}}, {{{0, 50}, {0}, false}, {{50, 77}, {1}, false}}}, 127, 127);
  expect_equal({{{0, 577}}, {{{0, 577}, {0}, false}}}, 577, 577);
  expect_equal(forest(), 355, 355);
  // Query rows in a matrix of their own: the last one of one node, the last three of another.
  expect_equal({{{0, 40}, {40, 25}}, {{{0, 1}, {0}, true}, {{1, 3}, {0, 1}, true}}}, 4, 65);
}

TEST_P(CudaAttention, GradientsEqualTheCpus) {
  for (const std::int64_t length : {1, 17, 64, 130}) {
    expect_gradients({{{0, length}}, {{{0, length}, {0}, true}}}, length, length);
  }
  expect_gradients({{{0, 50}, {50, 77}}, {{{0, 50}, {0}, false}, {{50, 77}, {1}, false}}}, 127, 127);
  expect_gradients(forest(), 355, 355);
  expect_gradients({{{0, 40}, {40, 25}}, {{{0, 1}, {0}, true}, {{1, 3}, {0, 1}, true}}}, 4, 65);
}

TEST_F(Cuda, LargeScoresStayFinite) {
  for (const DType type : {DType::f32, DType::bf16}) {
    const RandomMatrix q(70, 64, 1, 60), k(70, 64, 2, 60), v(70, 64, 3);
    const AttentionPlan plan{{{0, 70}}, {{{0, 70}, {0}, true}}};
    const Tensor gq = on_gpu(q, type), gk = on_gpu(k, type), gv = on_gpu(v, type), out = empty(70, 64);
    tensor::Arena arena(Place::device);
    attention({matrix_of(gq), matrix_of(gk), matrix_of(gv), matrix_of(out), 1, 1, 1.0f, type == DType::bf16}, plan,
              arena);
    const auto expected = reference::attention(rounded(q, type), rounded(k, type), rounded(v, type), 1, 1, 1, plan);
    EXPECT_LT(difference(out, expected), type == DType::f32 ? 2e-3 : 0.03);
  }
}

/// x W^T by the twin.
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

/// Root mean square of what is wrong, over that of what is right, of some rows.
double relative_error(const Tensor& found, const reference::Matrix& expected, const std::vector<std::int64_t>& rows) {
  const Tensor host = on_host(widened(found.view()));
  double wrong = 0, right = 0;
  for (const std::int64_t row : rows) {
    for (std::int64_t c = 0; c < expected.columns; ++c) {
      const double difference = matrix_of(host).row<float>(row)[c] - expected.at(row, c);
      wrong += difference * difference, right += expected.at(row, c) * expected.at(row, c);
    }
  }
  return std::sqrt(wrong / right);
}

TEST_F(Cuda, Fp8ProductsAreNearAndFineRowsNearer) {
  const std::int64_t M = 70, K = 256, N = 96;
  const RandomMatrix x(M, K, 1), w(N, K, 2), bias(1, N, 3), start(M, N, 4);
  const Tensor gx = on_gpu(x, DType::bf16), gw = on_gpu(w, DType::bf16), gbias = on_gpu(bias);
  const Weight weight(parts_of({gw.view()}), Arithmetic::fp8);
  EXPECT_THAT(weight.kernel(), testing::HasSubstr("fp8"));
  const auto expected = reference::matmul(rounded(x, DType::bf16), rounded(w, DType::bf16), bias.exact.values);
  reference::Matrix sum = expected;
  for (std::size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += start.exact.values[i];
  const std::vector<std::int64_t> fine{0, 13, 69}, others{1, 12, 14, 68};
  for (const DType type : {DType::f32, DType::bf16}) {
    const Tensor y = empty(M, N, type);
    matmul(matrix_of(gx), weight, gbias.as<float>(), matrix_of(y), false, {.some = fine});
    EXPECT_LT(relative_error(y, expected, fine), 0.005) << name_of(type);
    EXPECT_LT(relative_error(y, expected, others), 0.06) << name_of(type);
    EXPECT_GT(relative_error(y, expected, others), 0.01) << "fp8 was not used";
    matmul(matrix_of(gx), weight, gbias.as<float>(), matrix_of(y), false, {.all = true});
    EXPECT_LT(relative_error(y, expected, others), 0.005) << name_of(type);
  }
  const Tensor y = on_gpu(start);
  matmul(matrix_of(gx), weight, gbias.as<float>(), matrix_of(y), true, {.some = fine});
  EXPECT_LT(relative_error(y, sum, fine), 0.005);
  EXPECT_LT(relative_error(y, sum, others), 0.06);
  const RandomMatrix odd(24, 40, 5);  // no multiples of 16: bf16
  const Tensor godd = on_gpu(odd, DType::bf16);
  EXPECT_THAT(Weight(parts_of({godd.view()}), Arithmetic::fp8).kernel(), testing::HasSubstr("bf16"));
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

TEST_F(Cuda, ArgumentsAreChecked) {
  EXPECT_THAT(message_of<InvalidInput>([] { open_device("gpu"); }), testing::HasSubstr("there is no device gpu"));
  EXPECT_THAT(message_of<DeviceError>([] { open_device("cuda:99"); }), testing::HasSubstr("GPU"));
  EXPECT_THAT(message_of<DeviceError>([] { Tensor(DType::u8, {std::int64_t{1} << 50}, Place::device); }),
              testing::HasSubstr("more are needed"));
}

TEST(Device, NamesAreChecked) {
  EXPECT_EQ(open_device("cpu"), Place::host);
  for (const char* name : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda1", "cuda:1x"}) {
    EXPECT_THAT(message_of<InvalidInput>([&] { open_device(name); }), testing::HasSubstr("[device] there is no device"))
        << name;
  }
  EXPECT_EQ(device_name(Place::host), "cpu");
}

}  // namespace
}  // namespace e5v::ops::test
