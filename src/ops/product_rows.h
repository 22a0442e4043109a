#pragma once
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

/// Rows on their way into a matrix product.
namespace e5v::ops {

/// Rows of x whose rounding counts most: those of a list, which must outlive this, or all.
struct FineRows {
  std::span<const std::int64_t> some = {};
  bool all = false;

  std::int64_t count(std::int64_t rows) const { return all ? rows : static_cast<std::int64_t>(some.size()); }
};

/// Rows rounded to bf16 and then to 8-bit floats (e4m3), as products under fp8 read them: each has the scale that makes
/// its largest number 448. An operation that makes such rows writes them beside plain ones, of which only the fine ones
/// are then read. They lie on an accelerator.
struct Fp8Rows {
  tensor::Matrix values_MK = {};  ///< u8, dense
  tensor::Matrix scales_M1 = {};  ///< f32, dense

  bool empty() const { return values_MK.data == nullptr; }
};

}  // namespace e5v::ops
