#include "ops/rows.h"

#include <algorithm>
#include <cstring>

#include "ops/backend.h"
#include "ops/check.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/rows.h"

namespace e5v::ops {
namespace {

/// Copies a patch of a [3, edge, edge] tile through the table. Its top left byte is `corner`.
template <class T>
void unfold_patch(const std::uint8_t* corner, std::int64_t edge, std::int64_t patch,
                  std::span<const std::array<float, 256>, 3> table, T* to) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const std::uint8_t* plane = corner + static_cast<std::int64_t>(channel) * edge * edge;
    for (std::int64_t row = 0; row < patch; ++row) {
      for (std::int64_t column = 0; column < patch; ++column) *to++ = T(table[channel][plane[row * edge + column]]);
    }
  }
}

}  // namespace

void convert(tensor::ConstMatrix x, tensor::Matrix y, float scale) {
  require(x.dtype == tensor::DType::f32 || x.dtype == tensor::DType::f16 || x.dtype == tensor::DType::bf16,
          "[convert] x is {}, expected f32, f16 or bf16", name_of(x.dtype));
  check_activation_type("convert", "y", y.dtype);
  check_shape("convert", "y", y, x.rows, x.columns);
  if (on_device(y)) return backend().convert(x, scale, y);
  cpu::convert(x, scale, y);
}

tensor::ConstMatrix in_type(tensor::ConstMatrix x, tensor::DType type, tensor::Arena& arena) {
  if (x.dtype == type) return x;
  const tensor::Matrix copy = arena.matrix(type, x.rows, x.columns);
  convert(x, copy);
  return copy;
}

void add_rows(tensor::ConstMatrix x_PD, std::span<const std::int64_t> rows_P, tensor::Matrix y_TD) {
  check_gradient("add_rows", "x", x_PD, static_cast<std::int64_t>(rows_P.size()), y_TD.columns);
  check_type("add_rows", "y", y_TD.dtype, tensor::DType::f32);
  for (const std::int64_t row : rows_P) {
    require(row < y_TD.rows, "[add_rows] row {} is outside the {} rows of y", row, y_TD.rows);
  }
  if (on_device(y_TD)) return backend().move_rows(x_PD, {}, rows_P, y_TD, true);
  for (std::int64_t i = 0; i < x_PD.rows; ++i) {
    const std::int64_t row = rows_P[static_cast<std::size_t>(i)];
    if (row < 0) continue;
    const float* from = x_PD.row<float>(i);
    float* to = y_TD.row<float>(row);
    for (std::int64_t j = 0; j < x_PD.columns; ++j) to[j] += from[j];
  }
}

void move_rows(tensor::ConstMatrix x_RD, std::span<const std::int64_t> from_N, std::span<const std::int64_t> to_N,
               tensor::Matrix y_TD, bool add) {
  check_gradient("move_rows", "x", x_RD, x_RD.rows, y_TD.columns);
  check_type("move_rows", "y", y_TD.dtype, tensor::DType::f32);
  check_length("move_rows", "from", from_N.size(), static_cast<std::int64_t>(to_N.size()));
  for (std::size_t i = 0; i < from_N.size(); ++i) {
    require(from_N[i] >= 0 && from_N[i] < x_RD.rows, "[move_rows] row {} is outside the {} rows of x", from_N[i],
            x_RD.rows);
    require(to_N[i] >= 0 && to_N[i] < y_TD.rows, "[move_rows] row {} is outside the {} rows of y", to_N[i], y_TD.rows);
  }
  if (on_device(y_TD)) return backend().move_rows(x_RD, from_N, to_N, y_TD, add);
  for (std::size_t i = 0; i < from_N.size(); ++i) {
    const float* from = x_RD.row<float>(from_N[i]);
    float* to = y_TD.row<float>(to_N[i]);
    for (std::int64_t j = 0; j < x_RD.columns; ++j) to[j] = add ? to[j] + from[j] : from[j];
  }
}

void copy(tensor::ConstMatrix x, tensor::Matrix y) {
  check_type("copy", "y", y.dtype, x.dtype);
  check_shape("copy", "y", y, x.rows, x.columns);
  const std::int64_t bytes = x.columns * size_of(x.dtype);
  if (x.rows == 0 || bytes == 0) return;
  if (on_device(x) || on_device(y)) {
    const auto size = [](std::int64_t value) { return static_cast<std::size_t>(value); };
    return tensor::device().copy_rows(
        x.data, x.place, y.data, y.place,
        {size(x.rows), size(bytes), size(x.stride * size_of(x.dtype)), size(y.stride * size_of(y.dtype))});
  }
  cpu::for_rows(x.rows, x.columns, [&](std::int64_t row) {
    std::memcpy(y.row_range(row, 1).data, x.row_range(row, 1).data, static_cast<std::size_t>(bytes));
  });
}

void copy(std::span<const float> x, tensor::Place x_place, std::span<float> y, tensor::Place y_place) {
  check_length("copy", "y", y.size(), static_cast<std::int64_t>(x.size()));
  if (x.empty()) return;
  if (x_place == tensor::Place::host && y_place == tensor::Place::host) {
    std::ranges::copy(x, y.begin());
  } else {
    tensor::device().copy(reinterpret_cast<const std::byte*>(x.data()), x_place, reinterpret_cast<std::byte*>(y.data()),
                          y_place, x.size_bytes());
  }
}

tensor::Matrix on_host(tensor::Matrix x, tensor::Arena& arena) {
  if (!on_device(x)) return x;
  const tensor::Matrix result = arena.matrix(x.dtype, x.rows, x.columns);
  copy(x, result);
  return result;
}

tensor::Tensor widened(const tensor::TensorView& x) {
  if (x.place == tensor::Place::host) return to_f32(x);
  tensor::Tensor result(tensor::DType::f32, x.shape, x.place);
  convert(matrix_of(x), matrix_of(result));
  return result;
}

void place_patches(tensor::ConstMatrix patches_PD, std::span<const float> class_D, tensor::ConstMatrix positions_RD,
                   tensor::Matrix y_TD) {
  const std::int64_t rows = positions_RD.rows, D = y_TD.columns;
  require(rows > 0 && y_TD.rows % rows == 0, "[place_patches] y has {} rows, tiles {}", y_TD.rows, rows);
  check_gradient("place_patches", "patches", patches_PD, y_TD.rows - y_TD.rows / rows, D);
  check_gradient("place_patches", "positions", positions_RD, rows, D);
  check_type("place_patches", "y", y_TD.dtype, tensor::DType::f32);
  check_length("place_patches", "class", class_D.size(), D);
  if (on_device(y_TD)) return backend().place_patches(patches_PD, class_D.data(), positions_RD, y_TD);
  cpu::for_rows(y_TD.rows, D, [&](std::int64_t row) {
    const std::int64_t place = row % rows;
    const float* added = place == 0 ? class_D.data() : patches_PD.row<float>(row - row / rows - 1);
    const float* position = positions_RD.row<float>(place);
    float* y = y_TD.row<float>(row);
    for (std::int64_t i = 0; i < D; ++i) y[i] = added[i] + position[i];
  });
}

void add_column_sums(tensor::ConstMatrix x_TD, std::span<float> sums_D) {
  check_type("add_column_sums", "x", x_TD.dtype, tensor::DType::f32);
  if (!sums_D.empty()) check_length("add_column_sums", "sums", sums_D.size(), x_TD.columns);
  if (on_device(x_TD)) {
    if (!sums_D.empty()) backend().add_column_sums(x_TD, sums_D.data());
    return;
  }
  cpu::add_column_sums(x_TD, sums_D);
}

void add(tensor::ConstMatrix x, tensor::Matrix y) {
  check_gradient("add", "x", x, y.rows, y.columns);
  check_type("add", "y", y.dtype, tensor::DType::f32);
  if (on_device(y)) return backend().add(x, y);
  cpu::for_rows(y.rows, y.columns, [&](std::int64_t row) {
    const float* from = x.row<float>(row);
    float* to = y.row<float>(row);
    for (std::int64_t j = 0; j < x.columns; ++j) to[j] += from[j];
  });
}

void fill(tensor::Matrix y, float value) {
  check_type("fill", "y", y.dtype, tensor::DType::f32);
  if (on_device(y)) return backend().fill(y, value);
  cpu::for_rows(y.rows, y.columns, [&](std::int64_t row) { std::fill_n(y.row<float>(row), y.columns, value); });
}

void gather_rows(const tensor::TensorView& table_VD, std::span<const std::int32_t> indices_T, tensor::Matrix y_TD) {
  check_type("gather_rows", "y", y_TD.dtype, tensor::DType::f32);
  const tensor::ConstMatrix table = matrix_of(table_VD);
  check_shape("gather_rows", "y", y_TD, static_cast<std::int64_t>(indices_T.size()), table.columns);
  for (const std::int32_t index : indices_T) {
    require(index >= -1 && index < table.rows, "[gather_rows] index {} is outside the table of {} rows", index,
            table.rows);
  }
  if (on_device(y_TD)) return backend().gather_rows(table, indices_T, y_TD);
  cpu::for_rows(y_TD.rows, y_TD.columns, [&](std::int64_t row) {
    const std::int64_t index = indices_T[static_cast<std::size_t>(row)];
    if (index >= 0) convert(table.row_range(index, 1), y_TD.row_range(row, 1));
  });
}

void select_rows(tensor::ConstMatrix x_TD, std::span<const std::int64_t> rows_P, tensor::Matrix y_PD) {
  check_type("select_rows", "y", y_PD.dtype, x_TD.dtype);
  check_shape("select_rows", "y", y_PD, static_cast<std::int64_t>(rows_P.size()), x_TD.columns);
  for (const std::int64_t source : rows_P) {
    require(source >= 0 && source < x_TD.rows, "[select_rows] row {} is outside the {} rows", source, x_TD.rows);
  }
  if (on_device(y_PD)) return backend().move_rows(x_TD, rows_P, {}, y_PD, false);
  for (std::int64_t row = 0; row < y_PD.rows; ++row) {
    const std::int64_t source = rows_P[static_cast<std::size_t>(row)];
    std::memcpy(y_PD.row_range(row, 1).data, x_TD.row_range(source, 1).data,
                static_cast<std::size_t>(x_TD.columns * size_of(x_TD.dtype)));
  }
}

void unfold_patches(std::span<const std::uint8_t> tiles_TCHW, std::int64_t edge, std::int64_t patch,
                    std::span<const std::array<float, 256>, 3> table, tensor::Matrix y) {
  require(patch > 0 && patch <= edge, "[unfold_patches] patch {} does not fit a tile of {}", patch, edge);
  check_activation_type("unfold_patches", "y", y.dtype);
  const std::int64_t grid = edge / patch, tile_bytes = 3 * edge * edge;
  const std::int64_t tiles = static_cast<std::int64_t>(tiles_TCHW.size()) / tile_bytes;
  check_length("unfold_patches", "tiles", tiles_TCHW.size(), tiles * tile_bytes);
  check_shape("unfold_patches", "y", y, tiles * grid * grid, 3 * patch * patch);
  if (on_device(y)) return backend().unfold_patches(tiles_TCHW, edge, patch, table, y);
  cpu::for_rows(y.rows, y.columns, [&](std::int64_t index) {
    const std::int64_t tile = index / (grid * grid), row = index / grid % grid, column = index % grid;
    const std::uint8_t* corner = tiles_TCHW.data() + tile * tile_bytes + row * patch * edge + column * patch;
    if (y.dtype == tensor::DType::f32) {
      unfold_patch(corner, edge, patch, table, y.row<float>(index));
    } else {
      unfold_patch(corner, edge, patch, table, y.row<tensor::BFloat16>(index));
    }
  });
}

}  // namespace e5v::ops
