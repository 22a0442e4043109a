#pragma once
#include <cstdint>

namespace e5v::tensor {

/// The rounding of the rows that a weight matrix multiplies, as its quantisation scheme asks for.
struct InputRounding {
  enum class Scale : std::uint8_t {
    none,   ///< rows are not rounded
    row,    ///< by the range of each row
    group,  ///< by the range of each group of columns of a row
    given,  ///< by one scale and one zero point for all rows
  };
  Scale scale = Scale::none;
  std::int64_t group = 0;  ///< columns of a group
  int bits = 8;
  bool floating = false;  ///< to 8-bit floats (e4m3) instead of whole numbers
  bool symmetric = true;  ///< without a zero point
  float given_scale = 1, given_zero = 0;

  /// Whether arithmetic that keeps at least 8 bits of the rows may omit the rounding.
  bool optional() const { return scale == Scale::none || (scale != Scale::given && bits == 8); }
  bool operator==(const InputRounding&) const = default;
};

}  // namespace e5v::tensor
