#include "ops/cuda/packs.cuh"

namespace e5v::ops::cuda {
namespace {

constexpr unsigned kEveryLane = 0xFFFF'FFFF;
constexpr int kGroup = 128, kCounters = 16;  // ops/dropout.h: columns of a group, and its counters
constexpr int kHalves = kGroup / kCounters;  // halves of the numbers of one counter
constexpr int kSpan = 2 * kGroup;            // columns of a warp at once, with one counter per lane

/// The number of spans that a warp loads ahead.
template <int N>
constexpr int kSpansAtOnce = N == 1 ? 1 : 2;

__device__ std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
__device__ std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

/// A copy of base/philox.h, because its std::array does not work on the device.
__device__ uint4 philox(uint4 counter, uint2 key) {
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD251'1F53} * counter.x;
    const std::uint64_t product1 = std::uint64_t{0xCD9E'8D57} * counter.z;
    counter = make_uint4(high(product1) ^ counter.y ^ key.x, low(product1), high(product0) ^ counter.w ^ key.y,
                         low(product0));
    key.x += 0x9E37'79B9;
    key.y += 0xBB67'AE85;
  }
  return counter;
}

/// The dropped columns of a span: bit 16 g + i of word h is set for column 128 g + 16 h + i. All lanes of a warp have
/// all words.
struct Dropped {
  std::uint32_t words[kHalves];

  /// All lanes must call it at once; `group` is the first group of the span.
  __device__ Dropped(const Dropout& rule, std::uint32_t group, std::uint64_t name) {
    const std::uint32_t lane = threadIdx.x;
    const std::uint32_t counter = (group + lane / kCounters) * kCounters + lane % kCounters;
    const uint4 numbers =
        philox(make_uint4(counter, rule.place, low(name), high(name)), make_uint2(rule.seed, rule.step));
    const std::uint32_t of_counter[4] = {numbers.x, numbers.y, numbers.z, numbers.w};
#pragma unroll
    for (int h = 0; h < kHalves; ++h) {
      const std::uint32_t half = of_counter[h / 2] >> (h % 2 * 16) & 0xFFFF;
      words[h] = __ballot_sync(kEveryLane, half < rule.limit);
    }
  }

  /// The bits of a pack that begins at this column of the span, the first one lowest. Packs do not cross multiples of
  /// 16.
  __device__ std::uint32_t from(int column) const {
    const int h = column % kGroup / kCounters;
    // Selects words[h] by bits of h, because a variable index would put the words into memory.
    std::uint32_t quarter[4], half[2];
#pragma unroll
    for (int i = 0; i < 4; ++i) quarter[i] = (h & 1) != 0 ? words[2 * i + 1] : words[2 * i];
#pragma unroll
    for (int i = 0; i < 2; ++i) half[i] = (h & 2) != 0 ? quarter[2 * i + 1] : quarter[2 * i];
    const std::uint32_t word = (h & 4) != 0 ? half[1] : half[0];
    return word >> (column / kGroup * kCounters + column % kCounters);
  }
};

/// A warp has spans of a row. Its lanes take packs of N columns, 32 packs apart.
template <class From, class To, int N, bool kAdd>
__global__ void __launch_bounds__(kBlock) dropout_kernel(Rows<const From> x, std::int64_t rows, std::int64_t columns,
                                                         Dropout rule, const std::uint64_t* names, Rows<To> y) {
  constexpr int kSpans = kSpansAtOnce<N>, kPacks = kSpan / (kWarp * N), kPart = kSpans * kSpan;
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * blockDim.z + threadIdx.z;
  if (row >= rows) return;  // the same in the whole warp
  x.enter(row);
  y.enter(row);
  const std::uint64_t name = names[row];
  const std::int64_t warp = static_cast<std::int64_t>(blockIdx.y) * blockDim.y + threadIdx.y;
  const std::int64_t apart = static_cast<std::int64_t>(gridDim.y) * blockDim.y * kPart;
  for (std::int64_t part = warp * kPart; part < columns; part += apart) {
    Pack<From, N> values[kSpans][kPacks];
    Pack<To, N> sums[kSpans][kPacks];
#pragma unroll
    for (int i = 0; i < kSpans * kPacks; ++i) {
      const std::int64_t column = part + (i * kWarp + static_cast<int>(threadIdx.x)) * N;
      if (column >= columns) continue;
      values[i / kPacks][i % kPacks] = load_pack<N>(x.data + column);
      if constexpr (kAdd) sums[i / kPacks][i % kPacks] = load_pack<N>(y.data + column);
    }
#pragma unroll
    for (int span = 0; span < kSpans; ++span) {
      const std::int64_t begin = part + span * kSpan;
      if (begin >= columns) break;  // the same in the whole warp
      const Dropped dropped(rule, static_cast<std::uint32_t>(begin / kGroup), name);
#pragma unroll
      for (int p = 0; p < kPacks; ++p) {
        const int place = (p * kWarp + static_cast<int>(threadIdx.x)) * N;
        if (begin + place >= columns) continue;
        const std::uint32_t bits = dropped.from(place);
        Pack<To, N>& to = sums[span][p];
#pragma unroll
        for (int i = 0; i < N; ++i) {
          const float factor = (bits >> i & 1) != 0 ? 0.0f : rule.scale;
          const float value = to_float(values[span][p].values[i]);
          to.values[i] = from_float<To>(kAdd ? fmaf(value, factor, to_float(to.values[i])) : value * factor);
        }
        store_pack(to, y.data + begin + place);
      }
    }
  }
}

template <class From, class To, bool kAdd>
void launch(View x, const Dropout& rule, const std::uint64_t* names, View y, cudaStream_t stream) {
  constexpr int kWide = kWidePack<From, To>;
  with_pack<kWide>(has_packs(x, kWide) && has_packs(y, kWide), [&](auto pack) {
    constexpr int kPack = decltype(pack)::value;
    const std::int64_t parts = ceil_div(y.columns, kSpansAtOnce<kPack> * kSpan);
    const unsigned warps = kBlock / kWarp, across = power_above(parts, warps);
    const dim3 block(kWarp, across, warps / across);
    const dim3 grid(static_cast<unsigned>(ceil_div(y.rows, block.z)), grid_part(ceil_div(parts, across)));
    dropout_kernel<From, To, kPack, kAdd>
        <<<grid, block, 0, stream>>>(Rows<const From>(x), y.rows, y.columns, rule, names, Rows<To>(y));
    check_launch("dropout");
  });
}

}  // namespace

void dropout(View x, const Dropout& rule, const std::uint64_t* names, View y, bool add, cudaStream_t stream) {
  if (y.rows == 0 || y.columns == 0) return;
  with_activation_type(x.type, [&](auto from) {
    using From = typename decltype(from)::type;
    if (add) return launch<From, float, true>(x, rule, names, y, stream);
    with_activation_type(y.type,
                         [&](auto to) { launch<From, typename decltype(to)::type, false>(x, rule, names, y, stream); });
  });
}

}  // namespace e5v::ops::cuda
