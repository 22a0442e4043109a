#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "base/mmap.h"
#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace e5v::vectors {

/// The numbers of a file in NumPy's format: f16, f32 or f64, little-endian, C order, [rows, columns]. Borrowed, and
/// perhaps at odd addresses. Source: numpy.lib.format.
struct NpyArray {
  const std::byte* numbers = nullptr;
  tensor::DType dtype = tensor::DType::f32;
  std::int64_t rows = 0, columns = 0;

  /// Row i, widened into [columns]; no number of the three types is rounded by that.
  void read(std::int64_t i, std::span<double> row) const;
};

/// The array in the bytes of such a file; `name` leads the messages. The values are not looked at. Throws InvalidInput
/// when the file is of another kind or length.
NpyArray parse_npy(std::span<const std::byte> bytes, const std::string& name);

/// A mapped file of vectors that have a direction each.
class NpyFile {
 public:
  /// Throws InvalidInput when the file is none of vectors, and for the first row that holds NaN or infinity or is all
  /// zeros.
  explicit NpyFile(const std::filesystem::path& path);

  /// Valid as long as the object.
  const NpyArray& array() const { return array_; }
  /// Every vector is of f32 and has length 1, up to the rounding of f32.
  bool has_unit_rows() const { return has_unit_rows_; }

 private:
  MappedFile file_;
  NpyArray array_;
  bool has_unit_rows_ = false;
};

/// A file's vectors scaled to length 1, whatever length they have: where they lie if that is 1 already, so that a file
/// may be larger than memory, and else as a copy.
class UnitVectors {
 public:
  explicit UnitVectors(NpyFile file);

  /// f32 [rows, columns]. Valid as long as the object.
  tensor::ConstMatrix matrix() const;
  bool is_copy() const { return copy_.has_value(); }

 private:
  NpyFile file_;
  std::optional<tensor::Tensor> copy_;
};

}  // namespace e5v::vectors
