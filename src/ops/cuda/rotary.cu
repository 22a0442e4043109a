#include "ops/cuda/packs.cuh"

namespace e5v::ops::cuda {
namespace {

constexpr int kHeadsAtOnce = 2;  // heads that a thread loads ahead

/// A block has a row. Its threads take packs of the pairs of a head along x, and heads along y.
template <class T, int N>
__global__ void __launch_bounds__(kBlock)
    rotary_kernel(Rows<T> x, const std::int32_t* positions, const float* cosines, const float* sines,
                  std::int64_t heads, std::int64_t pairs, float direction) {
  x.enter(blockIdx.x);
  const std::int64_t angles = positions[blockIdx.x] * pairs;
  const std::int64_t apart = blockDim.y;
  for (std::int64_t pair = threadIdx.x * N; pair < pairs; pair += blockDim.x * N) {
    const auto cosine = load_pack<N>(cosines + angles + pair), sine = load_pack<N>(sines + angles + pair);
    for (std::int64_t begin = threadIdx.y; begin < heads; begin += kHeadsAtOnce * apart) {
      T* const head = x.data + begin * 2 * pairs + pair;
      Pack<T, N> first[kHeadsAtOnce], second[kHeadsAtOnce];
#pragma unroll
      for (int h = 0; h < kHeadsAtOnce; ++h) {
        if (begin + h * apart >= heads) continue;
        first[h] = load_pack<N>(head + h * apart * 2 * pairs);
        second[h] = load_pack<N>(head + h * apart * 2 * pairs + pairs);
      }
#pragma unroll
      for (int h = 0; h < kHeadsAtOnce; ++h) {
        if (begin + h * apart >= heads) continue;
#pragma unroll
        for (int i = 0; i < N; ++i) {
          const float a = to_float(first[h].values[i]), b = to_float(second[h].values[i]);
          const float c = cosine.values[i], s = direction * sine.values[i];
          first[h].values[i] = from_float<T>(a * c - b * s);
          second[h].values[i] = from_float<T>(b * c + a * s);
        }
        store_pack(first[h], head + h * apart * 2 * pairs);
        store_pack(second[h], head + h * apart * 2 * pairs + pairs);
      }
    }
  }
}

}  // namespace

void rotary(View x, const std::int32_t* positions, const float* cosines, const float* sines, std::int64_t pairs,
            float direction, cudaStream_t stream) {
  if (x.rows == 0 || x.columns == 0) return;
  constexpr int kWide = kWidePack<float>;
  const std::int64_t heads = x.columns / (2 * pairs);
  const bool wide = pairs % kWide == 0 && has_packs(x, kWide) && is_aligned(cosines, 16) && is_aligned(sines, 16);
  with_activation_type(x.type, [&](auto type) {
    with_pack<kWide>(wide, [&](auto pack) {
      using T = typename decltype(type)::type;
      constexpr int kPack = decltype(pack)::value;
      const unsigned across = power_above(pairs / kPack, kBlock);
      const dim3 block(across, power_above(ceil_div(heads, kHeadsAtOnce), kBlock / across));
      rotary_kernel<T, kPack><<<static_cast<unsigned>(x.rows), block, 0, stream>>>(Rows<T>(x), positions, cosines,
                                                                                   sines, heads, pairs, direction);
      check_launch("rotary");
    });
  });
}

}  // namespace e5v::ops::cuda
