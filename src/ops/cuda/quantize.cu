// M rows of activations; weights are [N, K].
#include "ops/cuda/fp8_rows.cuh"

namespace e5v::ops::cuda {
namespace {

/// The stored form of scales.
struct StoredScales {
  const void* data;
  Element type;
};

__device__ float scale_at(const StoredScales& scales, std::int64_t i) {
  switch (scales.type) {
    case Element::f16: return to_float(static_cast<const __half*>(scales.data)[i]);
    case Element::bf16: return to_float(static_cast<const bf16*>(scales.data)[i]);
    default: return static_cast<const float*>(scales.data)[i];
  }
}

template <class To, int N>
struct ExpandInt8 {
  static constexpr int kPack = N, kAtOnce = 4;
  using Loaded = Pack<std::int8_t, N>;
  Rows<const std::int8_t> values;
  StoredScales scales;
  Rows<To> y;
  float scale;  // of the current row

  __device__ bool enter(std::int64_t row) {
    values.enter(row);
    y.enter(row);
    scale = scale_at(scales, row);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const { return load_pack<N>(values.data + column); }
  __device__ void store(std::int64_t column, const Loaded& loaded) const {
    Pack<To, N> result;
#pragma unroll
    for (int i = 0; i < N; ++i) result.values[i] = from_float<To>(static_cast<float>(loaded.values[i]) * scale);
    store_pack(result, y.data + column);
  }
};

constexpr int kWord = 8;  // numbers of four bits in a word

/// A word of numbers, and the scale that they share.
struct ScaledWord {
  std::uint32_t codes;
  float scale;
};

/// to[i] = f(i), i < 8, in accesses of N elements.
template <int N, class To, class F>
__device__ void store_word(To* to, const F& f) {
#pragma unroll
  for (int first = 0; first < kWord; first += N) {
    Pack<To, N> result;
#pragma unroll
    for (int i = 0; i < N; ++i) result.values[i] = from_float<To>(f(first + i));
    store_pack(result, to + first);
  }
}

template <class To, int N>
struct ExpandInt4 {
  static constexpr int kPack = kWord, kAtOnce = 4;
  using Loaded = ScaledWord;
  Rows<const std::int32_t> words;
  StoredScales scales;
  std::uint32_t words_per_group;
  std::int64_t groups;  // of a row
  Rows<To> y;
  std::int64_t row;  // the current row

  __device__ bool enter(std::int64_t entered) {
    row = entered;
    words.enter(row);
    y.enter(row);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const {
    const auto word = static_cast<std::uint32_t>(column / kWord);
    return {static_cast<std::uint32_t>(words.data[word]), scale_at(scales, row * groups + word / words_per_group)};
  }
  __device__ void store(std::int64_t column, const Loaded& loaded) const {
    store_word<N>(y.data + column, [&](int i) {
      return static_cast<float>(static_cast<int>(loaded.codes >> (4 * i) & 15) - 8) * loaded.scale;
    });
  }
};

/// The scale, rounded as in bitsandbytes: product and sum are not fused.
__device__ float scale_at(const Nf4View& scales, std::int64_t block) {
  if (scales.nested_scales == nullptr) return static_cast<const float*>(scales.scales)[block];
  const float rounded = scales.scale_map[static_cast<const std::uint8_t*>(scales.scales)[block]];
  return __fadd_rn(__fmul_rn(rounded, scales.nested_scales[block / kNf4NestedBlockOfView]), scales.offset);
}

template <class To, int N>
struct ExpandNf4 {
  static constexpr int kPack = kWord, kAtOnce = 4;
  using Loaded = ScaledWord;
  const std::uint32_t* words;
  Nf4View weight;
  std::int64_t columns;
  Rows<To> y;
  std::int64_t first;  // index of the first number of the current row

  __device__ bool enter(std::int64_t row) {
    first = row * columns;
    y.enter(row);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const {
    return {words[(first + column) / kWord], scale_at(weight, (first + column) / kNf4BlockOfView)};
  }
  __device__ void store(std::int64_t column, const Loaded& loaded) const {
    store_word<N>(y.data + column, [&](int i) {
      // The first code of a byte is in its high bits.
      return weight.code_map[loaded.codes >> (4 * (i ^ 1)) & 15] * loaded.scale;
    });
  }
};

/// Calls f(std::type_identity, std::integral_constant) with the type of y, and the number of its elements that one
/// access writes.
template <class F>
void with_target(const View& y, const F& f) {
  with_activation_type(y.type, [&](auto to) {
    constexpr int kWide = kWidePack<typename decltype(to)::type>;
    with_pack<kWide>(has_packs(y, kWide), [&](auto pack) { f(to, pack); });
  });
}

}  // namespace

void quantize_fp8_rows(View x, Fp8View q, cudaStream_t stream) {
  with_activation_type(x.type, [&](auto from) {
    using From = typename decltype(from)::type;
    constexpr int kWide = kWidePack<From>;
    with_pack<kWide>(has_packs(x, kWide), [&](auto pack) {
      const PlainRow<From, decltype(pack)::value> source{Rows<const From>(x)};
      launch_fp8("quantize_fp8_rows", source, x.rows, Fp8Target<From>(q, x.columns), stream);
    });
  });
}

void expand_int8(const std::int8_t* values, const void* scales, Element scale_type, View y, cudaStream_t stream) {
  with_activation_type(y.type, [&](auto to) {
    using To = typename decltype(to)::type;
    constexpr int kWide = kWidePack<To>;
    with_pack<kWide>(has_packs(y, kWide) && is_aligned(values, kWide), [&](auto pack) {
      using Body = ExpandInt8<To, decltype(pack)::value>;
      const Body body{Rows<const std::int8_t>(values, y.columns), {scales, scale_type}, Rows<To>(y), 0};
      launch_packs("expand_int8", body, y.rows, y.columns, stream);
    });
  });
}

void expand_int4(const std::int32_t* words, const void* scales, Element scale_type, std::int64_t group, View y,
                 cudaStream_t stream) {
  if (y.columns == 0) return;
  with_target(y, [&](auto to, auto pack) {
    using To = typename decltype(to)::type;
    const ExpandInt4<To, decltype(pack)::value> body{Rows<const std::int32_t>(words, y.columns / kWord),
                                                     {scales, scale_type},
                                                     static_cast<std::uint32_t>(group / kWord),
                                                     y.columns / group,
                                                     Rows<To>(y),
                                                     0};
    launch_packs("expand_int4", body, y.rows, y.columns, stream);
  });
}

void expand_nf4(const Nf4View& weight, View y, cudaStream_t stream) {
  with_target(y, [&](auto to, auto pack) {
    using To = typename decltype(to)::type;
    const ExpandNf4<To, decltype(pack)::value> body{reinterpret_cast<const std::uint32_t*>(weight.codes), weight,
                                                    y.columns, Rows<To>(y), 0};
    launch_packs("expand_nf4", body, y.rows, y.columns, stream);
  });
}

}  // namespace e5v::ops::cuda
