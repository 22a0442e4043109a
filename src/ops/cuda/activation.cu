#include "ops/cuda/fp8_rows.cuh"

namespace e5v::ops::cuda {
namespace {

// kExact: within a few units in float's last place. Otherwise as exact as needed for a result that is rounded to bf16.

/// a / (1 + exp(-b))
template <bool kExact>
__device__ float over_one_plus_exp(float a, float b) {
  if constexpr (kExact) {
    return a / (1.0f + expf(-b));
  } else {
    return __fdividef(a, 1.0f + __expf(-b));
  }
}

template <bool kExact>
__device__ float silu(float x) {
  return over_one_plus_exp<kExact>(x, x);
}

/// 1 / (1 + exp(-x)), and its derivative s (1 - s), computed without the difference, which would lose digits.
struct Sigmoid {
  float value, slope;

  __device__ explicit Sigmoid(float x) {
    const float power = expf(-fabsf(x)), above = 1.0f / (1.0f + power), below = power * above;
    value = x < 0 ? below : above;
    slope = above * below;
  }
};

constexpr float kQuick = 1.702f;
constexpr float kRootHalf = 0.70710678f;
constexpr float kTanh = 1.59576912f;  // 2 sqrt(2 / pi): (1 + tanh(a)) / 2 = sigmoid(2 a)
constexpr float kCube = 0.044715f;

template <Activation kFunction, bool kExact>
struct Value {
  __device__ float operator()(float x) const {
    if constexpr (kFunction == Activation::quick_gelu) {
      return over_one_plus_exp<kExact>(x, kQuick * x);
    } else if constexpr (kFunction == Activation::gelu) {
      const float half = 0.5f * x;
      return fmaf(half, erff(x * kRootHalf), half);
    } else {
      return over_one_plus_exp<kExact>(x, kTanh * fmaf(kCube * x * x, x, x));
    }
  }
};

/// The derivative with respect to x.
template <Activation kFunction>
__device__ float slope(float x) {
  if constexpr (kFunction == Activation::quick_gelu) {
    const Sigmoid s(kQuick * x);
    return fmaf(kQuick * x, s.slope, s.value);
  } else if constexpr (kFunction == Activation::gelu) {
    const float below = fmaf(0.5f, erff(x * kRootHalf), 0.5f);
    const float density = 0.39894228f * expf(-0.5f * x * x);  // exp(-x^2 / 2) / sqrt(2 pi)
    return fmaf(x, density, below);
  } else {
    const float square = x * x;
    const float inner = kTanh * fmaf(kCube, square, 1.0f), inner_slope = kTanh * fmaf(3 * kCube, square, 1.0f);
    const Sigmoid s(x * inner);
    return fmaf(x * s.slope, inner_slope, s.value);
  }
}

/// dx += dy slope(x).
template <class From, int N, Activation kFunction>
struct Backward {
  static constexpr int kPack = N, kAtOnce = 2;
  struct Loaded {
    Pack<From, N> x;
    Pack<float, N> dy, dx;
  };
  Rows<const From> x;
  Rows<const float> dy;
  Rows<float> dx;

  __device__ bool enter(std::int64_t row) {
    x.enter(row);
    dy.enter(row);
    dx.enter(row);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const {
    return {load_pack<N>(x.data + column), load_pack<N>(dy.data + column), load_pack<N>(dx.data + column)};
  }
  __device__ void store(std::int64_t column, Loaded& loaded) const {
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const float factor = slope<kFunction>(to_float(loaded.x.values[i]));
      loaded.dx.values[i] = fmaf(loaded.dy.values[i], factor, loaded.dx.values[i]);
    }
    store_pack(loaded.dx, dx.data + column);
  }
};

template <class From, int N>
struct GateUp {
  Pack<From, N> gate, up;
};

/// silu(gate) up
template <class To, class From, int N>
__device__ Pack<To, N> gated(const GateUp<From, N>& x) {
  constexpr bool kExact = std::is_same_v<To, float>;
  float numbers[N];
#pragma unroll
  for (int i = 0; i < N; ++i) numbers[i] = silu<kExact>(to_float(x.gate.values[i])) * to_float(x.up.values[i]);
  return pack_of<To>(numbers);
}

template <class From, class To, int N>
struct Swiglu {
  static constexpr int kPack = N, kAtOnce = 2;
  using Loaded = GateUp<From, N>;
  Rows<const From> gate, up;
  Rows<To> y;

  __device__ bool enter(std::int64_t row) {
    gate.enter(row);
    up.enter(row);
    y.enter(row);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const {
    return {load_pack<N>(gate.data + column), load_pack<N>(up.data + column)};
  }
  __device__ void store(std::int64_t column, const Loaded& loaded) const {
    store_pack(gated<To>(loaded), y.data + column);
  }
};

/// A row of the result, for the code that rounds it.
template <class From, int N>
struct SwigluRow {
  static constexpr int kPack = N;
  using Loaded = GateUp<From, N>;
  using Values = Pack<bf16, N>;
  Rows<const From> gate, up;

  __device__ void enter(std::int64_t row) {
    gate.enter(row);
    up.enter(row);
  }
  __device__ Loaded load(std::int64_t column) const {
    return {load_pack<N>(gate.data + column), load_pack<N>(up.data + column)};
  }
  __device__ static Values values(const Loaded& loaded) { return gated<bf16>(loaded); }
};

template <class From, int N>
struct SwigluBackward {
  static constexpr int kPack = N, kAtOnce = 1;
  struct Loaded {
    Pack<From, N> gate, up;
    Pack<float, N> dy, dgate, dup;
  };
  Rows<const From> gate, up;
  Rows<const float> dy;
  Rows<float> dgate, dup;
  bool add;

  __device__ bool enter(std::int64_t row) {
    gate.enter(row);
    up.enter(row);
    dy.enter(row);
    dgate.enter(row);
    dup.enter(row);
    return true;
  }
  __device__ Loaded load(std::int64_t column) const {
    Loaded loaded{
        load_pack<N>(gate.data + column), load_pack<N>(up.data + column), load_pack<N>(dy.data + column), {}, {}};
    if (add) {
      loaded.dgate = load_pack<N>(dgate.data + column);
      loaded.dup = load_pack<N>(dup.data + column);
    }
    return loaded;
  }
  __device__ void store(std::int64_t column, Loaded& loaded) const {
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const float gate_i = to_float(loaded.gate.values[i]), dy_i = loaded.dy.values[i];
      const Sigmoid s(gate_i);
      const float by_silu = dy_i * to_float(loaded.up.values[i]);
      loaded.dgate.values[i] = fmaf(by_silu, fmaf(gate_i, s.slope, s.value), loaded.dgate.values[i]);
      loaded.dup.values[i] = fmaf(dy_i, gate_i * s.value, loaded.dup.values[i]);
    }
    store_pack(loaded.dgate, dgate.data + column);
    store_pack(loaded.dup, dup.data + column);
  }
};

/// Columns [0, F) or [F, 2F) of a matrix [T, 2F].
View half_of(View whole, bool second) {
  whole.columns /= 2;
  const std::int64_t size = whole.type == Element::f32 ? 4 : 2;
  if (second) whole.data = static_cast<char*>(whole.data) + whole.columns * size;
  return whole;
}

/// Calls f(std::integral_constant) with the function.
template <class F>
void with_function(Activation function, const F& f) {
  switch (function) {
    case Activation::quick_gelu: return f(std::integral_constant<Activation, Activation::quick_gelu>{});
    case Activation::gelu: return f(std::integral_constant<Activation, Activation::gelu>{});
    case Activation::gelu_tanh: return f(std::integral_constant<Activation, Activation::gelu_tanh>{});
  }
}

}  // namespace

void activate(Activation function, View x, View y, cudaStream_t stream) {
  with_function(function, [&](auto which) {
    with_activation_type(x.type, [&](auto from) {
      with_activation_type(y.type, [&](auto to) {
        using From = typename decltype(from)::type;
        using To = typename decltype(to)::type;
        launch_map<From, To>("activate", x, y, Value<decltype(which)::value, std::is_same_v<To, float>>{}, stream);
      });
    });
  });
}

void activate_backward(Activation function, View x, View dy, View dx, cudaStream_t stream) {
  constexpr int kWide = kWidePack<float>;
  const bool wide = has_packs(x, kWide) && has_packs(dy, kWide) && has_packs(dx, kWide);
  with_function(function, [&](auto which) {
    with_activation_type(x.type, [&](auto from) {
      with_pack<kWide>(wide, [&](auto pack) {
        using From = typename decltype(from)::type;
        using Body = Backward<From, decltype(pack)::value, decltype(which)::value>;
        launch_packs("activate_backward", Body{Rows<const From>(x), Rows<const float>(dy), Rows<float>(dx)}, dx.rows,
                     dx.columns, stream);
      });
    });
  });
}

void swiglu(View gate_up, View y, cudaStream_t stream) {
  const View gate = half_of(gate_up, false), up = half_of(gate_up, true);
  with_activation_type(gate_up.type, [&](auto from) {
    with_activation_type(y.type, [&](auto to) {
      using From = typename decltype(from)::type;
      using To = typename decltype(to)::type;
      constexpr int kWide = kWidePack<From, To>;
      with_pack<kWide>(has_packs(gate, kWide) && has_packs(up, kWide) && has_packs(y, kWide), [&](auto pack) {
        using Body = Swiglu<From, To, decltype(pack)::value>;
        launch_packs("swiglu", Body{Rows<const From>(gate), Rows<const From>(up), Rows<To>(y)}, y.rows, y.columns,
                     stream);
      });
    });
  });
}

void swiglu_fp8(View gate_up, View y, const std::uint8_t* wanted, Fp8View q, cudaStream_t stream) {
  const View gate = half_of(gate_up, false), up = half_of(gate_up, true);
  with_activation_type(gate_up.type, [&](auto from) {
    using From = typename decltype(from)::type;
    constexpr int kWide = kWidePack<From, bf16>;
    with_pack<kWide>(has_packs(gate, kWide) && has_packs(up, kWide) && has_packs(y, kWide), [&](auto pack) {
      const SwigluRow<From, decltype(pack)::value> source{Rows<const From>(gate), Rows<const From>(up)};
      launch_fp8("swiglu_fp8", source, y.rows, Fp8Target<bf16>(q, y.columns, Rows<bf16>(y), wanted), stream);
    });
  });
}

void swiglu_backward(View gate_up, View dy, View dgate_up, bool add, cudaStream_t stream) {
  constexpr int kWide = kWidePack<float>;
  const View gate = half_of(gate_up, false), up = half_of(gate_up, true);
  const View dgate = half_of(dgate_up, false), dup = half_of(dgate_up, true);
  bool wide = true;
  for (const View& view : {gate, up, dy, dgate, dup}) wide = wide && has_packs(view, kWide);
  with_activation_type(gate_up.type, [&](auto from) {
    with_pack<kWide>(wide, [&](auto pack) {
      using From = typename decltype(from)::type;
      using Body = SwigluBackward<From, decltype(pack)::value>;
      const Body body{Rows<const From>(gate), Rows<const From>(up), Rows<const float>(dy),
                      Rows<float>(dgate),     Rows<float>(dup),     add};
      launch_packs("swiglu_backward", body, dy.rows, dy.columns, stream);
    });
  });
}

}  // namespace e5v::ops::cuda
