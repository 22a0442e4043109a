#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "base/mmap.h"
#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace e5v::eval {

/// A mapped file of vectors in NumPy's format: float32, little-endian, C order, [N, D]. Source: numpy.lib.format.
class NpyFile {
 public:
  /// Throws InvalidInput when the file is of another kind or length, or holds NaN or infinity.
  explicit NpyFile(const std::filesystem::path& path);

  /// Valid as long as the object.
  tensor::ConstMatrix matrix() const { return matrix_; }
  /// Every vector has length 1, up to the rounding of f32.
  bool has_unit_rows() const { return has_unit_rows_; }

 private:
  MappedFile file_;
  tensor::ConstMatrix matrix_;
  bool has_unit_rows_ = false;
};

/// A file's vectors scaled to length 1: where they lie if they have it already, so that a file may be larger than
/// memory, and else as a copy.
class UnitVectors {
 public:
  explicit UnitVectors(NpyFile file);

  /// Valid as long as the object.
  tensor::ConstMatrix matrix() const;
  bool is_copy() const { return copy_.has_value(); }

 private:
  NpyFile file_;
  std::optional<tensor::Tensor> copy_;
};

/// The matrix in the bytes of such a file, borrowed; `name` leads the messages. The values are not looked at.
tensor::ConstMatrix parse_npy(std::span<const std::byte> bytes, const std::string& name);

}  // namespace e5v::eval
