#pragma once
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

/// Rows that will be multiplied.
namespace e5v::ops {

/// The rows of x that need the most precision: those of a list, which must outlive this object, or all rows.
struct FineRows {
  std::span<const std::int64_t> some = {};
  bool all = false;

  std::int64_t count(std::int64_t rows) const { return all ? rows : static_cast<std::int64_t>(some.size()); }
};

/// Rows rounded to bf16 and then to 8-bit floats (e4m3), for products under fp8. A row's scale makes its largest number
/// 448. An operation that makes such rows also writes plain ones, of which only the fine rows are read. They are on an
/// accelerator.
struct Fp8Rows {
  tensor::Matrix values_MK = {};  ///< u8, dense
  tensor::Matrix scales_M1 = {};  ///< f32, dense

  bool empty() const { return values_MK.data == nullptr; }
};

}  // namespace e5v::ops
