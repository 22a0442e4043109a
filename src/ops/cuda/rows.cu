#include "ops/cuda/column_sums.cuh"

namespace e5v::ops::cuda {
namespace {

struct Scale {
  float factor;
  __device__ float operator()(float x) const { return x * factor; }
};

/// y[i] = table[indices[i]].
template <class From, int N>
struct Gather {
  static constexpr int kPack = N, kAtOnce = 4;
  using Loaded = Pack<From, N>;
  Rows<const From> table;
  const std::int32_t* indices;
  Rows<float> y;

  __device__ bool enter(std::int64_t row) {
    const std::int32_t index = indices[row];
    if (index < 0) return false;
    table.enter(index);
    y.enter(row);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const { return load_pack<N>(table.data + column); }
  __device__ void store(std::int64_t column, const Loaded& loaded) const {
    Pack<float, N> result;
#pragma unroll
    for (int i = 0; i < N; ++i) result.values[i] = to_float(loaded.values[i]);
    store_pack(result, y.data + column);
  }
};

/// The rows of x and y in each move. A null list means 0, 1, ...
struct Moves {
  const std::int64_t *from, *to;

  template <class X, class Y>
  __device__ bool enter(std::int64_t i, X& x, Y& y) const {
    const std::int64_t target = to == nullptr ? i : to[i];
    if (target < 0) return false;
    x.enter(from == nullptr ? i : from[i]);
    y.enter(target);
    return true;
  }
};

/// y[to[i]] = x[from[i]]. T is any type with the size of an element.
template <class T, int N>
struct Copy {
  static constexpr int kPack = N, kAtOnce = 4;
  using Loaded = Pack<T, N>;
  Moves moves;
  Rows<const T> x;
  Rows<T> y;

  __device__ bool enter(std::int64_t row) { return moves.enter(row, x, y); }
  __device__ Loaded load(std::int64_t column) const { return load_pack<N>(x.data + column); }
  __device__ void store(std::int64_t column, const Loaded& loaded) const { store_pack(loaded, y.data + column); }
};

/// y[to[i]] += x[from[i]].
template <class From, int N>
struct Add {
  static constexpr int kPack = N, kAtOnce = 2;
  struct Loaded {
    Pack<From, N> x;
    Pack<float, N> y;
  };
  Moves moves;
  Rows<const From> x;
  Rows<float> y;

  __device__ bool enter(std::int64_t row) { return moves.enter(row, x, y); }
  __device__ Loaded load(std::int64_t column) const {
    return {load_pack<N>(x.data + column), load_pack<N>(y.data + column)};
  }
  __device__ void store(std::int64_t column, Loaded& loaded) const {
#pragma unroll
    for (int i = 0; i < N; ++i) loaded.y.values[i] += to_float(loaded.x.values[i]);
    store_pack(loaded.y, y.data + column);
  }
};

/// y[targets[g]] += x[sources[begins[g]]] + ..., in this order.
template <int N>
struct AddGroup {
  static constexpr int kPack = N, kAtOnce = 1;
  using Loaded = Pack<float, N>;
  const std::int64_t *targets, *begins, *sources;
  Rows<const float> x;
  Rows<float> y;
  std::int64_t begin, end;  // of the current group

  __device__ bool enter(std::int64_t group) {
    begin = begins[group];
    end = begins[group + 1];
    y.enter(targets[group]);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const {
    Loaded sum = load_pack<N>(y.data + column);
#pragma unroll 4
    for (std::int64_t i = begin; i < end; ++i) {
      const auto term = load_pack<N>(x.data + sources[i] * x.stride + column);
#pragma unroll
      for (int k = 0; k < N; ++k) sum.values[k] += term.values[k];
    }
    return sum;
  }
  __device__ void store(std::int64_t column, const Loaded& sum) const { store_pack(sum, y.data + column); }
};

template <int N>
struct Fill {
  static constexpr int kPack = N, kAtOnce = 4;
  struct Loaded {};
  Rows<float> y;
  float value;

  __device__ bool enter(std::int64_t row) {
    y.enter(row);
    return true;
  }
  __device__ Loaded load(std::int64_t) const { return {}; }
  __device__ void store(std::int64_t column, Loaded) const {
    Pack<float, N> result;
#pragma unroll
    for (int i = 0; i < N; ++i) result.values[i] = value;
    store_pack(result, y.data + column);
  }
};

/// Like the launcher in kernels.h; rows_per_tile is its R.
template <int N>
struct PlacePatches {
  static constexpr int kPack = N, kAtOnce = 2;
  struct Loaded {
    Pack<float, N> value, position;
  };
  Rows<const float> patches;
  const float* class_token;
  Rows<const float> positions;
  std::int64_t rows_per_tile;
  Rows<float> y;

  __device__ bool enter(std::int64_t row) {
    const std::int64_t tile = row / rows_per_tile, place = row - tile * rows_per_tile;
    if (place == 0) {
      patches.data = class_token;
    } else {
      patches.enter(tile * (rows_per_tile - 1) + place - 1);
    }
    positions.enter(place);
    y.enter(row);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const {
    return {load_pack<N>(patches.data + column), load_pack<N>(positions.data + column)};
  }
  __device__ void store(std::int64_t column, const Loaded& loaded) const {
    Pack<float, N> result;
#pragma unroll
    for (int i = 0; i < N; ++i) result.values[i] = loaded.value.values[i] + loaded.position.values[i];
    store_pack(result, y.data + column);
  }
};

template <int N>
struct ColumnTerms {
  static constexpr int kSums = 1;
  Rows<const float> x;

  __device__ void read(std::int64_t row, std::int64_t column, float (&terms)[1][N]) const {
    const auto v = load_pack<N>(x.data + row * x.stride + column);
#pragma unroll
    for (int i = 0; i < N; ++i) terms[0][i] = v.values[i];
  }
};

/// A block has a patch, and its threads take the pixels of a patch's row along x, so that adjacent threads write
/// adjacent elements.
template <class To>
__global__ void __launch_bounds__(kBlock)
    unfold_kernel(const std::uint8_t* tiles, std::int64_t edge, std::int64_t patch, const float* table, Rows<To> y) {
  const std::int64_t grid = edge / patch, index = blockIdx.x;
  const std::int64_t tile = index / (grid * grid), row = index / grid % grid, column = index % grid;
  const std::uint8_t* corner = tiles + tile * 3 * edge * edge + row * patch * edge + column * patch;
  y.enter(index);
  for (int channel = 0; channel < 3; ++channel) {
    for (std::int64_t i = threadIdx.y; i < patch; i += blockDim.y) {
      for (std::int64_t j = threadIdx.x; j < patch; j += blockDim.x) {
        const int byte = corner[(channel * edge + i) * edge + j];
        y.data[(channel * patch + i) * patch + j] = from_float<To>(table[channel * 256 + byte]);
      }
    }
  }
}

constexpr int kWide = kWidePack<float>;

template <class T>
void copy_rows(const View& x, const Moves& moves, std::int64_t count, const View& y, cudaStream_t stream) {
  constexpr int kWideCopy = kWidePack<T>;
  with_pack<kWideCopy>(has_packs(x, kWideCopy) && has_packs(y, kWideCopy), [&](auto pack) {
    launch_packs("move_rows", Copy<T, decltype(pack)::value>{moves, Rows<const T>(x), Rows<T>(y)}, count, y.columns,
                 stream);
  });
}

void add_rows(const char* name, const View& x, const Moves& moves, std::int64_t count, const View& y,
              cudaStream_t stream) {
  with_activation_type(x.type, [&](auto from) {
    using From = typename decltype(from)::type;
    with_pack<kWide>(has_packs(x, kWide) && has_packs(y, kWide), [&](auto pack) {
      using Body = Add<From, decltype(pack)::value>;
      launch_packs(name, Body{moves, Rows<const From>(x), Rows<float>(y)}, count, y.columns, stream);
    });
  });
}

}  // namespace

void convert(View x, float scale, View y, cudaStream_t stream) {
  with_type(x.type, [&](auto from) {
    with_activation_type(y.type, [&](auto to) {
      launch_map<typename decltype(from)::type, typename decltype(to)::type>("convert", x, y, Scale{scale}, stream);
    });
  });
}

void gather_rows(View table, const std::int32_t* indices, View y, cudaStream_t stream) {
  with_type(table.type, [&](auto type) {
    with_pack<kWide>(has_packs(table, kWide) && has_packs(y, kWide), [&](auto pack) {
      using From = typename decltype(type)::type;
      using Body = Gather<From, decltype(pack)::value>;
      launch_packs("gather_rows", Body{Rows<const From>(table), indices, Rows<float>(y)}, y.rows, y.columns, stream);
    });
  });
}

void move_rows(View x, const std::int64_t* from, const std::int64_t* to, std::int64_t count, View y, bool add,
               cudaStream_t stream) {
  const Moves moves{from, to};
  if (add) return add_rows("move_rows", x, moves, count, y, stream);
  if (y.type == Element::f32) return copy_rows<float>(x, moves, count, y, stream);
  copy_rows<std::uint16_t>(x, moves, count, y, stream);
}

void add_grouped_rows(View x, const std::int64_t* targets, const std::int64_t* begins, const std::int64_t* sources,
                      std::int64_t groups, View y, cudaStream_t stream) {
  with_pack<kWide>(has_packs(x, kWide) && has_packs(y, kWide), [&](auto pack) {
    using Body = AddGroup<decltype(pack)::value>;
    launch_packs("add_grouped_rows", Body{targets, begins, sources, Rows<const float>(x), Rows<float>(y), 0, 0}, groups,
                 y.columns, stream);
  });
}

std::int64_t column_scratch_floats(std::int64_t rows, std::int64_t columns) {
  return column_slices(rows, columns) * columns;
}

void add_column_sums(View x, float* sums, float* scratch, cudaStream_t stream) {
  if (x.rows == 0 || x.columns == 0) return;
  with_pack<kWide>(has_packs(x, kWide), [&](auto pack) {
    constexpr int N = decltype(pack)::value;
    launch_column_sums<N>("add_column_sums", ColumnTerms<N>{Rows<const float>(x)}, x.rows, x.columns, {sums}, scratch,
                          stream);
  });
}

void add(View x, View y, cudaStream_t stream) { add_rows("add", x, {nullptr, nullptr}, y.rows, y, stream); }

void fill(View y, float value, cudaStream_t stream) {
  with_pack<kWide>(has_packs(y, kWide), [&](auto pack) {
    launch_packs("fill", Fill<decltype(pack)::value>{Rows<float>(y), value}, y.rows, y.columns, stream);
  });
}

void unfold_patches(const std::uint8_t* tiles, std::int64_t edge, std::int64_t patch, const float* table, View y,
                    cudaStream_t stream) {
  if (y.rows == 0) return;
  const auto across = static_cast<unsigned>(std::min<std::int64_t>(patch, kBlock));
  const dim3 block(across, kBlock / across);
  with_activation_type(y.type, [&](auto to) {
    using To = typename decltype(to)::type;
    unfold_kernel<<<static_cast<unsigned>(y.rows), block, 0, stream>>>(tiles, edge, patch, table, Rows<To>(y));
    check_launch("unfold_patches");
  });
}

void place_patches(View patches, const float* class_token, View positions, View y, cudaStream_t stream) {
  const bool wide =
      has_packs(patches, kWide) && has_packs(positions, kWide) && has_packs(y, kWide) && is_aligned(class_token, 16);
  with_pack<kWide>(wide, [&](auto pack) {
    using Body = PlacePatches<decltype(pack)::value>;
    const Body body{Rows<const float>(patches), class_token, Rows<const float>(positions), positions.rows,
                    Rows<float>(y)};
    launch_packs("place_patches", body, y.rows, y.columns, stream);
  });
}

}  // namespace e5v::ops::cuda
