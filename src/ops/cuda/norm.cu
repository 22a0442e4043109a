// T rows, D columns.
#include "ops/cuda/column_sums.cuh"
#include "ops/cuda/fp8_rows.cuh"

namespace e5v::ops::cuda {
namespace {

enum class Norm : std::uint8_t { rms, layer, l2 };

template <class Shape, int kCount>
__device__ void add_up(float (&sums)[kCount]) {
  reduce<Shape>(sums, [](float a, float b) { return a + b; });
}

/// y = (x - mean) factor gamma + beta; for l2, factor is the divisor.
template <Norm kNorm, class Shape, class Target>
__global__ void __launch_bounds__(Shape::kBlockThreads)
    norm_kernel(Rows<const float> x, std::int64_t rows, std::int64_t columns, const float* gamma, const float* beta,
                float eps, Target y) {
  constexpr int N = Shape::kPack;
  const std::int64_t index = Shape::row();
  if (index >= rows) return;
  x.enter(index);
  y.enter(index);
  const HeldRow<Shape, PlainRow<float, N>> row({x}, columns);
  const auto count = static_cast<float>(columns);

  float mean = 0;
  if constexpr (kNorm == Norm::layer) {
    float sum[1] = {};
    row.each([&](std::int64_t, const Pack<float, N>& v) {
#pragma unroll
      for (int i = 0; i < N; ++i) sum[0] += v.values[i];
    });
    add_up<Shape>(sum);
    mean = sum[0] / count;
  }
  float square[1] = {};
  row.each([&](std::int64_t, const Pack<float, N>& v) {
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const float centred = v.values[i] - mean;
      square[0] = fmaf(centred, centred, square[0]);
    }
  });
  add_up<Shape>(square);
  const float factor = kNorm == Norm::l2 ? fmaxf(sqrtf(square[0]), 1e-12f) : 1.0f / sqrtf(square[0] / count + eps);

  y.template store<Shape>(row, [&](std::int64_t column, const Pack<float, N>& v) {
    Pack<float, N> scale = {}, shift = {};
    if constexpr (kNorm != Norm::l2) scale = load_pack<N>(gamma + column);
    if constexpr (kNorm == Norm::layer) shift = load_pack<N>(beta + column);
    float numbers[N];
#pragma unroll
    for (int i = 0; i < N; ++i) {
      if constexpr (kNorm == Norm::l2) {
        numbers[i] = v.values[i] / factor;
      } else {
        numbers[i] = fmaf((v.values[i] - mean) * factor, scale.values[i], shift.values[i]);
      }
    }
    return pack_of<typename Target::Type>(numbers);
  });
}

/// The input of a backward pass: x, gradient = dy gamma, and the sum that it adds to.
template <int N>
struct Gradients {
  struct Values {
    Pack<float, N> x, gradient, dx;
  };
  using Loaded = Values;
  const float *x, *dy, *gamma, *dx;
  __device__ static Values values(const Loaded& loaded) { return loaded; }
  __device__ Loaded load(std::int64_t column) const {
    Values v{load_pack<N>(x + column), load_pack<N>(dy + column), load_pack<N>(dx + column)};
    const auto scale = load_pack<N>(gamma + column);
#pragma unroll
    for (int i = 0; i < N; ++i) v.gradient.values[i] *= scale.values[i];
    return v;
  }
};

/// The destination of each row's mean and factor in the backward pass, [T] both; nothing when null.
struct Scalings {
  float *means = nullptr, *factors = nullptr;
};

/// With h = (x - mean) r, r = 1 / sqrt(var + eps) and g = dy gamma: dx += r (g - mean(g) - h mean(g h)). For rms all
/// means but the last one are 0, and var is the mean of x^2.
template <Norm kNorm, class Shape>
__global__ void __launch_bounds__(Shape::kBlockThreads)
    norm_backward_kernel(Rows<const float> x, std::int64_t rows, std::int64_t columns, const float* gamma, float eps,
                         Rows<const float> dy, Rows<float> dx, Scalings scalings) {
  constexpr int N = Shape::kPack;
  using Values = typename Gradients<N>::Values;
  const std::int64_t index = Shape::row();
  if (index >= rows) return;
  x.enter(index);
  dy.enter(index);
  dx.enter(index);
  const HeldRow<Shape, Gradients<N>> row({x.data, dy.data, gamma, dx.data}, columns);
  const auto count = static_cast<float>(columns);

  float mean = 0, shift = 0;  // of x and of g
  if constexpr (kNorm == Norm::layer) {
    float sums[2] = {};
    row.each([&](std::int64_t, const Values& v) {
#pragma unroll
      for (int i = 0; i < N; ++i) {
        sums[0] += v.x.values[i];
        sums[1] += v.gradient.values[i];
      }
    });
    add_up<Shape>(sums);
    mean = sums[0] / count;
    shift = sums[1] / count;
  }
  float sums[2] = {};
  row.each([&](std::int64_t, const Values& v) {
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const float centred = v.x.values[i] - mean;
      sums[0] = fmaf(centred, centred, sums[0]);
      sums[1] = fmaf(centred, v.gradient.values[i], sums[1]);
    }
  });
  add_up<Shape>(sums);
  const float factor = 1.0f / sqrtf(sums[0] / count + eps);
  const float slope = sums[1] / count * factor * factor;  // mean(g h) r

  row.each([&](std::int64_t column, const Values& v) {
    Pack<float, N> result;
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const float along = fmaf(-(v.x.values[i] - mean), slope, v.gradient.values[i] - shift);
      result.values[i] = fmaf(factor, along, v.dx.values[i]);
    }
    store_pack(result, dx.data + column);
  });
  if (scalings.means != nullptr && threadIdx.x == 0) {
    scalings.means[index] = mean;
    scalings.factors[index] = factor;
  }
}

/// The terms of dgamma, which are dy h, and of dbeta, which are dy.
template <int N, int kSums_>
struct ParameterTerms {
  static constexpr int kSums = kSums_;
  Rows<const float> x, dy;
  Scalings scalings;

  __device__ void read(std::int64_t row, std::int64_t column, float (&terms)[kSums][N]) const {
    const auto v = load_pack<N>(x.data + row * x.stride + column), d = load_pack<N>(dy.data + row * dy.stride + column);
    const float mean = scalings.means[row], factor = scalings.factors[row];
#pragma unroll
    for (int i = 0; i < N; ++i) {
      terms[0][i] = d.values[i] * ((v.values[i] - mean) * factor);
      if constexpr (kSums == 2) terms[1][i] = d.values[i];
    }
  }
};

constexpr int kWide = kWidePack<float>;

/// Calls f(Shape) with a suitable shape.
template <class F>
void with_shape(std::int64_t columns, bool wide, const F& f) {
  with_pack<kWide>(wide, [&](auto pack) {
    constexpr int N = decltype(pack)::value;
    if (columns <= 128) return f(Shape<32, 4 / N, N>{});
    if (columns <= 512) return f(Shape<32, 16 / N, N>{});
    if (columns <= 1024) return f(Shape<256, 4 / N, N>{});
    if (columns <= 4096) return f(Shape<256, 16 / N, N>{});
    if constexpr (N > 1) {  // single elements would need too many registers
      if (columns <= 8192) return f(Shape<512, 16 / N, N>{});
    }
    f(Shape<512, 0, N>{});
  });
}

/// The inputs of a norm besides its rows.
struct Parameters {
  const float* gamma = nullptr;
  const float* beta = nullptr;
  float eps = 0;
};

/// `like` has the target's shape.
template <Norm kNorm, class Target>
void launch_norm(const char* name, View x, const Parameters& p, View like, const Target& y, cudaStream_t stream) {
  if (x.rows == 0 || x.columns == 0) return;
  const bool wide = has_packs(x, kWide) && has_packs(like, kWide) && is_aligned(p.gamma, 16) && is_aligned(p.beta, 16);
  with_shape(x.columns, wide, [&](auto shape) {
    using Shape = decltype(shape);
    norm_kernel<kNorm, Shape><<<Shape::grid(x.rows), Shape::block(), 0, stream>>>(Rows<const float>(x), x.rows,
                                                                                  x.columns, p.gamma, p.beta, p.eps, y);
    check_launch(name);
  });
}

template <Norm kNorm>
void launch_norm(const char* name, View x, const Parameters& parameters, View y, cudaStream_t stream) {
  with_activation_type(y.type, [&](auto to) {
    using To = typename decltype(to)::type;
    launch_norm<kNorm>(name, x, parameters, y, PlainTarget<To>{Rows<To>(y)}, stream);
  });
}

/// kSums: 1 for dgamma, 2 for both dgamma and dbeta.
template <int kSums>
void launch_parameter_sums(const char* name, View x, View dy, Scalings scalings, std::initializer_list<float*> sums,
                           float* partials, cudaStream_t stream) {
  with_pack<kWide>(has_packs(x, kWide) && has_packs(dy, kWide), [&](auto pack) {
    constexpr int N = decltype(pack)::value;
    launch_column_sums<N>(name, ParameterTerms<N, kSums>{Rows<const float>(x), Rows<const float>(dy), scalings}, x.rows,
                          x.columns, sums, partials, stream);
  });
}

template <Norm kNorm>
void launch_backward(const char* name, View x, const float* gamma, float eps, View dy, View dx, Scalings scalings,
                     cudaStream_t stream) {
  const bool wide = has_packs(x, kWide) && has_packs(dy, kWide) && has_packs(dx, kWide) && is_aligned(gamma, 16);
  with_shape(x.columns, wide, [&](auto shape) {
    using Shape = decltype(shape);
    norm_backward_kernel<kNorm, Shape><<<Shape::grid(x.rows), Shape::block(), 0, stream>>>(
        Rows<const float>(x), x.rows, x.columns, gamma, eps, Rows<const float>(dy), Rows<float>(dx), scalings);
    check_launch(name);
  });
}

}  // namespace

void rms_norm(View x, const float* gamma, float eps, View y, cudaStream_t stream) {
  launch_norm<Norm::rms>("rms_norm", x, {gamma, nullptr, eps}, y, stream);
}

void rms_norm_fp8(View x, const float* gamma, float eps, View y, const std::uint8_t* wanted, Fp8View q,
                  cudaStream_t stream) {
  const Fp8Target<bf16> target(q, y.columns, Rows<bf16>(y), wanted);
  launch_norm<Norm::rms>("rms_norm_fp8", x, {gamma, nullptr, eps}, y, target, stream);
}

void layer_norm(View x, const float* gamma, const float* beta, float eps, View y, cudaStream_t stream) {
  launch_norm<Norm::layer>("layer_norm", x, {gamma, beta, eps}, y, stream);
}

void l2_normalize(View x, View y, cudaStream_t stream) { launch_norm<Norm::l2>("l2_normalize", x, {}, y, stream); }

// The scratch has first the means and factors of the rows, then partial sums.
std::int64_t norm_scratch_floats(std::int64_t rows, std::int64_t columns) {
  return 2 * rows + 2 * column_slices(rows, columns) * columns;
}

void rms_norm_backward(View x, const float* gamma, float eps, View dy, View dx, float* dgamma, float* scratch,
                       cudaStream_t stream) {
  if (x.rows == 0 || x.columns == 0) return;
  const Scalings scalings = dgamma == nullptr ? Scalings{} : Scalings{scratch, scratch + x.rows};
  launch_backward<Norm::rms>("rms_norm_backward", x, gamma, eps, dy, dx, scalings, stream);
  if (dgamma == nullptr) return;
  launch_parameter_sums<1>("rms_norm_backward", x, dy, scalings, {dgamma}, scratch + 2 * x.rows, stream);
}

void layer_norm_backward(View x, const float* gamma, float eps, View dy, View dx, float* dgamma, float* dbeta,
                         float* scratch, cudaStream_t stream) {
  if (x.rows == 0 || x.columns == 0) return;
  const bool frozen = dgamma == nullptr && dbeta == nullptr;
  const Scalings scalings = frozen ? Scalings{} : Scalings{scratch, scratch + x.rows};
  launch_backward<Norm::layer>("layer_norm_backward", x, gamma, eps, dy, dx, scalings, stream);
  if (frozen) return;
  launch_parameter_sums<2>("layer_norm_backward", x, dy, scalings, {dgamma, dbeta}, scratch + 2 * x.rows, stream);
}

}  // namespace e5v::ops::cuda
