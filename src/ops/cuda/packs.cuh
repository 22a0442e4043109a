#pragma once
// Element-wise kernels. A thread takes packs of a row: adjacent elements that one access of at most 16 bytes moves, or
// single elements if a width, a stride or an address does not allow packs.
#include <algorithm>
#include <bit>
#include <cstring>
#include <initializer_list>
#include <type_traits>

#include "ops/cuda/kernels.h"
#include "ops/cuda/launch.cuh"

namespace e5v::ops::cuda {

template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  T values[N];
};

/// The type of an access with this number of bytes.
template <int kBytes>
struct WordOf;
template <>
struct WordOf<1> {
  using Type = std::uint8_t;
};
template <>
struct WordOf<2> {
  using Type = std::uint16_t;
};
template <>
struct WordOf<4> {
  using Type = std::uint32_t;
};
template <>
struct WordOf<8> {
  using Type = uint2;
};
template <>
struct WordOf<16> {
  using Type = uint4;
};

template <int N, class T>
__device__ inline Pack<std::remove_const_t<T>, N> load_pack(T* from) {
  using Word = typename WordOf<sizeof(T) * N>::Type;
  const Word word = *reinterpret_cast<const Word*>(from);
  Pack<std::remove_const_t<T>, N> pack;
  memcpy(&pack, &word, sizeof pack);
  return pack;
}
template <class T, int N>
__device__ inline void store_pack(const Pack<T, N>& pack, T* to) {
  using Word = typename WordOf<sizeof(T) * N>::Type;
  Word word;
  memcpy(&word, &pack, sizeof word);
  if constexpr (sizeof(Word) >= 8) {
    __stwb(reinterpret_cast<Word*>(to), word);  // an assignment may become several stores
  } else {
    *reinterpret_cast<Word*>(to) = word;
  }
}

/// Numbers in a type. bf16 is converted in pairs, which takes one instruction; single ones would wait for the unit of
/// exponentials.
template <class To, int N>
__device__ inline Pack<To, N> pack_of(const float (&numbers)[N]) {
  Pack<To, N> pack;
  if constexpr (std::is_same_v<To, bf16> && N % 2 == 0) {
#pragma unroll
    for (int i = 0; i < N; i += 2) {
      const __nv_bfloat162 two = __floats2bfloat162_rn(numbers[i], numbers[i + 1]);
      pack.values[i] = two.x, pack.values[i + 1] = two.y;
    }
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) pack.values[i] = from_float<To>(numbers[i]);
  }
  return pack;
}

/// The number of elements of the widest of these types in 16 bytes.
template <class... T>
inline constexpr int kWidePack = static_cast<int>(16 / std::max({sizeof(T)...}));

inline bool is_aligned(const void* pointer, std::int64_t bytes) {
  return reinterpret_cast<std::uintptr_t>(pointer) % static_cast<std::uintptr_t>(bytes) == 0;
}

/// Whether every row of the view consists of whole packs of `pack` elements.
inline bool has_packs(const View& view, int pack) {
  const std::int64_t size = view.type == Element::f32 ? 4 : 2;
  return view.columns % pack == 0 && (view.rows <= 1 || view.stride % pack == 0) && is_aligned(view.data, pack * size);
}

/// Calls f(std::integral_constant) with kWide if wide, otherwise with 1.
template <int kWide, class F>
void with_pack(bool wide, const F& f) {
  if (wide) return f(std::integral_constant<int, kWide>{});
  f(std::integral_constant<int, 1>{});
}

/// Calls f(std::type_identity) with float or bf16.
template <class F>
void with_activation_type(Element type, const F& f) {
  if (type == Element::bf16) return f(std::type_identity<bf16>{});
  f(std::type_identity<float>{});
}
/// The same with float, bf16 or __half.
template <class F>
void with_type(Element type, const F& f) {
  if (type == Element::f16) return f(std::type_identity<__half>{});
  with_activation_type(type, f);
}

/// A view with a known type, at its first or its current row.
template <class T>
struct Rows {
  T* data = nullptr;
  std::int64_t stride = 0;

  Rows() = default;
  Rows(T* rows, std::int64_t apart) : data(rows), stride(apart) {}
  explicit Rows(const View& view) : data(static_cast<T*>(view.data)), stride(view.stride) {}
  __device__ void enter(std::int64_t row) { data += row * stride; }
};

constexpr int kBlock = 256;

/// Calls body.enter(row) for every row. If it returns true, calls body.load(column) and then body.store(column, loaded)
/// for every pack of the row. A thread has loads of Body::kAtOnce packs in progress before its first store.
template <class Body>
__global__ void __launch_bounds__(kBlock) for_packs(Body body, std::int64_t rows, std::int64_t packs) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (row >= rows || !body.enter(row)) return;
  const std::int64_t apart = blockDim.x, part = apart * Body::kAtOnce;
  for (std::int64_t first = blockIdx.y * part + threadIdx.x; first < packs; first += gridDim.y * part) {
    typename Body::Loaded loaded[Body::kAtOnce];
#pragma unroll
    for (int i = 0; i < Body::kAtOnce; ++i) {
      if (first + i * apart < packs) loaded[i] = body.load((first + i * apart) * Body::kPack);
    }
#pragma unroll
    for (int i = 0; i < Body::kAtOnce; ++i) {
      if (first + i * apart < packs) body.store((first + i * apart) * Body::kPack, loaded[i]);
    }
  }
}

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The smallest power of two that is at least count, but at most `maximum`, which is a power of two.
inline unsigned power_above(std::int64_t count, unsigned maximum) {
  return count >= maximum ? maximum : std::bit_ceil(static_cast<unsigned>(count));
}

/// The number of blocks on axis y or z of a grid. Kernels advance by the number that they get.
inline unsigned grid_part(std::int64_t blocks) { return static_cast<unsigned>(std::min<std::int64_t>(blocks, 65535)); }

template <class Body>
void launch_packs(const char* name, const Body& body, std::int64_t rows, std::int64_t columns, cudaStream_t stream) {
  const std::int64_t packs = columns / Body::kPack;
  if (rows == 0 || packs == 0) return;
  // A thread has work for all its loads, unless a warp would then cover several rows.
  const unsigned across = std::max(power_above(ceil_div(packs, Body::kAtOnce), kBlock), power_above(packs, kWarp));
  const dim3 block(across, kBlock / across);
  const dim3 grid(static_cast<unsigned>(ceil_div(rows, block.y)),
                  grid_part(ceil_div(packs, static_cast<std::int64_t>(across) * Body::kAtOnce)));
  for_packs<<<grid, block, 0, stream>>>(body, rows, packs);
  check_launch(name);
}

/// Computes y = f(x) for each element. y may be x.
template <class From, class To, int N, class F>
struct Map {
  static constexpr int kPack = N, kAtOnce = 4;
  using Loaded = Pack<From, N>;
  Rows<const From> x;
  Rows<To> y;
  F f;

  __device__ bool enter(std::int64_t row) {
    x.enter(row);
    y.enter(row);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const { return load_pack<N>(x.data + column); }
  __device__ void store(std::int64_t column, const Loaded& loaded) const {
    float numbers[N];
#pragma unroll
    for (int i = 0; i < N; ++i) numbers[i] = f(to_float(loaded.values[i]));
    store_pack(pack_of<To>(numbers), y.data + column);
  }
};

template <class From, class To, class F>
void launch_map(const char* name, const View& x, const View& y, const F& f, cudaStream_t stream) {
  constexpr int kWide = kWidePack<From, To>;
  with_pack<kWide>(has_packs(x, kWide) && has_packs(y, kWide), [&](auto pack) {
    using Body = Map<From, To, decltype(pack)::value, F>;
    launch_packs(name, Body{Rows<const From>(x), Rows<To>(y), f}, y.rows, y.columns, stream);
  });
}

}  // namespace e5v::ops::cuda
