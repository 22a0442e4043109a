#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "ops/adamw_factors.h"

/// The launchers of this folder's kernels. nvcc compiles them and cannot read every header of the project, so they have
/// only plain views; backend.cpp translates. All work goes to `stream`, and memory is the GPU's. Arguments have been
/// checked. A failed launch throws DeviceError.
namespace e5v::ops::cuda {

enum class Element : std::uint8_t { f32, f16, bf16 };

/// Rows of contiguous elements, `stride` elements apart.
struct View {
  void* data = nullptr;
  Element type = Element::f32;
  std::int64_t rows = 0, columns = 0, stride = 0;
};

/// Rows rounded to 8-bit floats (e4m3): values [M, K], dense, at an address that is a multiple of 16 bytes; scales [M]
/// = largest / 448, or 1 for a row of zeros.
struct Fp8View {
  std::uint8_t* values = nullptr;
  float* scales = nullptr;
};

// norm.cu. x f32; y f32|bf16, may be x. Backward: all f32, dx +=; dgamma and dbeta (+=) may be null; scratch holds
// norm_scratch_floats(rows, columns) floats.
void rms_norm(View x, const float* gamma, float eps, View y, cudaStream_t stream);
/// y is bf16, and q is y rounded. Of y only the wanted rows are written: those with a `wanted` that is not 0, or all if
/// it is null.
void rms_norm_fp8(View x, const float* gamma, float eps, View y, const std::uint8_t* wanted, Fp8View q,
                  cudaStream_t stream);
void layer_norm(View x, const float* gamma, const float* beta, float eps, View y, cudaStream_t stream);
void l2_normalize(View x, View y, cudaStream_t stream);
std::int64_t norm_scratch_floats(std::int64_t rows, std::int64_t columns);
void rms_norm_backward(View x, const float* gamma, float eps, View dy, View dx, float* dgamma, float* scratch,
                       cudaStream_t stream);
void layer_norm_backward(View x, const float* gamma, float eps, View dy, View dx, float* dgamma, float* dbeta,
                         float* scratch, cudaStream_t stream);

// activation.cu. x, y, gate_up f32|bf16 in any combination; gradients f32, and +=.
enum class Activation : std::uint8_t { quick_gelu, gelu, gelu_tanh };
void activate(Activation function, View x, View y, cudaStream_t stream);
void activate_backward(Activation function, View x, View dy, View dx, cudaStream_t stream);
/// gate_up [T, 2F], y [T, F]: y = silu(gate) up.
void swiglu(View gate_up, View y, cudaStream_t stream);
/// y, wanted and q as in rms_norm_fp8.
void swiglu_fp8(View gate_up, View y, const std::uint8_t* wanted, Fp8View q, cudaStream_t stream);
/// dgate_up is overwritten without add.
void swiglu_backward(View gate_up, View dy, View dgate_up, bool add, cudaStream_t stream);

// rotary.cu. x f32|bf16 [T, heads 2 pairs], in place; positions i32 [T]; cosines, sines f32 [positions, pairs].
void rotary(View x, const std::int32_t* positions, const float* cosines, const float* sines, std::int64_t pairs,
            float direction, cudaStream_t stream);

// dropout.cu. The random numbers are those of ops/dropout.h, to the bit. x, y f32|bf16.
struct Dropout {
  std::uint32_t limit = 0;
  float scale = 1;
  std::uint32_t seed = 0, step = 0, place = 0;
};
void dropout(View x, const Dropout& rule, const std::uint64_t* names, View y, bool add, cudaStream_t stream);

// rows.cu
/// y = scale x; f32|f16|bf16 -> f32|bf16.
void convert(View x, float scale, View y, cudaStream_t stream);
/// y[i] = table[indices[i]] widened; -1 leaves the row. table f32|f16|bf16, y f32.
void gather_rows(View table, const std::int32_t* indices, View y, cudaStream_t stream);
/// y[to[i]] = x[from[i]] for i < count, or += (both f32, no `to` twice). A null list means 0, 1, ...; a negative `to`
/// is skipped.
void move_rows(View x, const std::int64_t* from, const std::int64_t* to, std::int64_t count, View y, bool add,
               cudaStream_t stream);
/// y[targets[g]] += x[sources[i]] for i in [begins[g], begins[g + 1]), in this order; all f32.
void add_grouped_rows(View x, const std::int64_t* targets, const std::int64_t* begins, const std::int64_t* sources,
                      std::int64_t groups, View y, cudaStream_t stream);
/// sums += column sums of x f32, in an order that depends only on the shape; scratch holds column_scratch_floats().
std::int64_t column_scratch_floats(std::int64_t rows, std::int64_t columns);
void add_column_sums(View x, float* sums, float* scratch, cudaStream_t stream);
/// y += x; x f32|bf16, y f32.
void add(View x, View y, cudaStream_t stream);
void fill(View y, float value, cudaStream_t stream);
/// Like ops::unfold_patches; tiles u8 [tiles, 3, edge, edge]; table f32 [3, 256]; y f32|bf16.
void unfold_patches(const std::uint8_t* tiles, std::int64_t edge, std::int64_t patch, const float* table, View y,
                    cudaStream_t stream);
/// Rows of tiles of R = positions.rows rows: y[t R] = class + positions[0], y[t R + 1 + i] = patches[t (R - 1) + i] +
/// positions[1 + i]. All f32; class_token [D].
void place_patches(View patches, const float* class_token, View positions, View y, cudaStream_t stream);

// quantize.cu
/// q = x rounded. x f32|bf16.
void quantize_fp8_rows(View x, Fp8View q, cudaStream_t stream);
/// The numbers of a tensor::StoredMatrix, dense; y f32|bf16 [N, K]. Scales as in StoredMatrix.
void expand_int8(const std::int8_t* values, const void* scales, Element scale_type, View y, cudaStream_t stream);
void expand_int4(const std::int32_t* words, const void* scales, Element scale_type, std::int64_t group, View y,
                 cudaStream_t stream);
struct Nf4View {
  const std::uint8_t* codes = nullptr;
  const void* scales = nullptr;  ///< u8 with nested_scales, else f32
  const float* code_map = nullptr;
  const float* scale_map = nullptr;
  const float* nested_scales = nullptr;
  float offset = 0;
};
constexpr std::int64_t kNf4BlockOfView = 64, kNf4NestedBlockOfView = 256;  ///< tensor::kNf4Block, kNf4NestedBlock
void expand_nf4(const Nf4View& weight, View y, cudaStream_t stream);

// adamw.cu. Backend says what they compute.
void adamw(const AdamWFactors& factors, float* values, const float* gradient, float* mean, float* square,
           std::int64_t count, cudaStream_t stream);
constexpr int kSquareSumPartials = 512;
/// partials [kSquareSumPartials]: their sum is the sum of all squares.
void square_sums(const float* x, std::int64_t count, double* partials, cudaStream_t stream);
void scale(float* x, std::int64_t count, float factor, cudaStream_t stream);

}  // namespace e5v::ops::cuda
