// The GPU's kernels against the naive twins, or against the CPU's kernels, which have been compared with these.
#include "ops/cuda.h"

#include <numeric>

#include "ops/activation.h"
#include "ops/dropout.h"
#include "ops/norm.h"
#include "ops/optimizer.h"
#include "ops/rotary.h"

namespace e5v::ops::test {
namespace {

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

/// A run that moves between a GPU and a CPU goes on with the same numbers.
TEST_F(Cuda, AdamWHasTheCpusBits) {
  for (const std::int64_t size : {1, 7, 4096, 40001}) {
    const RandomMatrix values(1, size, 1), gradient(1, size, 2), mean(1, size, 3), start(1, size, 4);
    for (float& square : start.tensor.as<float>()) square *= square;
    const Tensor there[] = {on_gpu(values), on_gpu(gradient), on_gpu(mean), copied(start.tensor.view(), Place::device)};
    const AdamWFactors factors{0.999f, 0.1f, 0.999f, 0.001f, 0.3f, 1e-8f, 0.01f};
    const AdamWTensor cpu{values.tensor.as<float>(), gradient.tensor.as<float>(), mean.tensor.as<float>(),
                          start.tensor.as<float>()};
    const AdamWTensor gpu{there[0].as<float>(), there[1].as<float>(), there[2].as<float>(), there[3].as<float>(),
                          Place::device};
    const std::span<const float> gradients[] = {cpu.gradient};
    const std::span<const float> gpu_gradients[] = {gpu.gradient};
    const double sum = square_sum(gradients, Place::host);
    EXPECT_NEAR(square_sum(gpu_gradients, Place::device), sum, 1e-12 * sum);
    adamw(factors, {&cpu, 1});
    adamw(factors, {&gpu, 1});
    EXPECT_EQ(difference(there[0], values.tensor), 0) << size;
    EXPECT_EQ(difference(there[2], mean.tensor), 0) << size;
    EXPECT_EQ(difference(there[3], start.tensor), 0) << size;
    const std::span<float> here[] = {values.tensor.as<float>()}, lists[] = {there[0].as<float>()};
    scale(here, 0.7f, Place::host);
    scale(lists, 0.7f, Place::device);
    EXPECT_EQ(difference(there[0], values.tensor), 0) << size;
  }
}

}  // namespace
}  // namespace e5v::ops::test
