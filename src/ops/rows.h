#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "tensor/arena.h"
#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace e5v::ops {

/// y[i] = table[indices[i]], widened to f32. table_VD f32|f16|bf16 [V, D]; y_TD f32 [T, D]. Rows with the index -1 stay
/// as they are. Throws InvalidInput for another index outside [0, V).
void gather_rows(const tensor::TensorView& table_VD, std::span<const std::int32_t> indices_T, tensor::Matrix y_TD);

/// y[i] = x[rows[i]] for f32 or bf16 matrices of one width and type.
void select_rows(tensor::ConstMatrix x_TD, std::span<const std::int64_t> rows_P, tensor::Matrix y_PD);

/// y[rows[i]] += x[i]: the backward pass of select_rows and, with table rows, of gather_rows. A negative row is
/// skipped. x_PD, y_TD f32 of one width. Sums have the order of x.
void add_rows(tensor::ConstMatrix x_PD, std::span<const std::int64_t> rows_P, tensor::Matrix y_TD);

/// y[to[i]] = x[from[i]], or += with add. Without add no row of y occurs twice. x_RD, y_TD f32 of one width.
void move_rows(tensor::ConstMatrix x_RD, std::span<const std::int64_t> from_N, std::span<const std::int64_t> to_N,
               tensor::Matrix y_TD, bool add);

/// sums[j] += x[0][j] + x[1][j] + ...: the backward pass of a bias. x_TD f32; sums has length D, or is empty and gets
/// nothing.
void add_column_sums(tensor::ConstMatrix x_TD, std::span<float> sums_D);

/// y += x, both f32.
void add(tensor::ConstMatrix x, tensor::Matrix y);

/// Every element of a f32 matrix = value.
void fill(tensor::Matrix y, float value);

/// y = scale x with the types f32|f16|bf16 -> f32|bf16, rounded to nearest even. If the types are equal, y may be x.
void convert(tensor::ConstMatrix x, tensor::Matrix y, float scale = 1);

/// y = x, of one type, in any two places.
void copy(tensor::ConstMatrix x, tensor::Matrix y);

/// y = x for lists of one length, in any two places.
void copy(std::span<const float> x, tensor::Place x_place, std::span<float> y, tensor::Place y_place);

/// x if the host can read and write it, otherwise a copy from an arena of the host.
tensor::Matrix on_host(tensor::Matrix x, tensor::Arena& arena);

/// The values as f32, in the place of x. x f32|f16|bf16.
tensor::Tensor widened(const tensor::TensorView& x);

/// x in a type that convert supports: x itself, or a copy from the arena.
tensor::ConstMatrix in_type(tensor::ConstMatrix x, tensor::DType type, tensor::Arena& arena);

/// Cuts square tiles into patches. y[t * g * g + r * g + c] is the patch at grid row r and column c of tile t, ordered
/// by channel, row, column. Each byte b of channel k is replaced by table[k][b]. tiles_TCHW u8 [tiles, 3, edge, edge];
/// g = edge / patch (remaining pixels at the right and bottom are not used); y f32|bf16 [tiles * g * g, 3 * patch *
/// patch].
void unfold_patches(std::span<const std::uint8_t> tiles_TCHW, std::int64_t edge, std::int64_t patch,
                    std::span<const std::array<float, 256>, 3> table, tensor::Matrix y);

/// Rows of tiles, a class token and then patches, plus position embeddings: y[t R] = class + positions[0], y[t R + 1 +
/// i] = patches[t (R - 1) + i] + positions[1 + i]. All f32; patches_PD [tiles (R - 1), D]; class_D [D]; positions_RD
/// [R, D]; y_TD [tiles R, D].
void place_patches(tensor::ConstMatrix patches_PD, std::span<const float> class_D, tensor::ConstMatrix positions_RD,
                   tensor::Matrix y_TD);

}  // namespace e5v::ops
