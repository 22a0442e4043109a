#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/mmap.h"
#include "tensor/matrix.h"
#include "tensor/safetensors.h"
#include "vectors/jsonl.h"
#include "vectors/vector_array.h"

namespace e5v::vectors {

/// A finished file of vectors, each of which has a direction, in any format by the ending of its name; a file with
/// another ending is taken for .npy. The numbers of .npy and .safetensors files stay where they are mapped, so that
/// such a file may be larger than memory; those of .jsonl are read into memory.
class VectorFileReader {
 public:
  /// Throws InvalidInput when the file is none of vectors, and for the first row that holds NaN or infinity or is all
  /// zeros.
  explicit VectorFileReader(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  std::int64_t rows() const { return array_.rows; }
  std::int64_t width() const { return array_.columns; }
  /// Valid as long as the object, also when it is moved.
  const VectorArray& array() const { return array_; }
  /// Every vector is of f32 and has length 1, up to the rounding of f32.
  bool has_unit_rows() const { return has_unit_rows_; }

  /// The ids as text [rows]; nothing where the file has none, as one of another program may. Those of a .npy file are
  /// beside it (VectorFile::ids_path). Throws InvalidInput when there are not as many as vectors.
  std::optional<std::vector<std::string>> ids() const;

 private:
  std::filesystem::path path_;
  std::variant<MappedFile, tensor::SafetensorsFile, JsonRows> content_;
  VectorArray array_;
  bool has_unit_rows_ = false;
};

/// The vectors of a file, scaled to length 1. If they already have length 1, they are not copied, so that a file may be
/// larger than memory.
class UnitVectors {
 public:
  explicit UnitVectors(VectorFileReader file);

  /// f32 [rows, width]. Valid as long as the object, also when it is moved.
  tensor::ConstMatrix matrix() const;
  bool is_copy() const { return copy_.has_value(); }
  const VectorFileReader& file() const { return file_; }

 private:
  VectorFileReader file_;
  std::optional<tensor::Tensor> copy_;
};

}  // namespace e5v::vectors
