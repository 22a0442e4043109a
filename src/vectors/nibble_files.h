#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/mmap.h"
#include "base/output_file.h"
#include "tensor/matrix.h"
#include "vectors/nibble_rows.h"

namespace e5v::vectors {

/// The rounded form of vectors as files that only grow, so that a search need not round them again:
///   FOLDER/rounded.high, FOLDER/rounded.low   the planes, nibble_row_bytes(width) bytes for each vector
///   FOLDER/rounded.bounds                     RowBounds, 16 bytes for each vector: four little-endian f32
class NibbleFiles {
 public:
  /// Opens the files to append to them, with their first `rows` rows; what an interrupted process has added is cut off.
  /// If they have fewer, they are emptied, and the caller has to append all vectors again. Throws InvalidInput if they
  /// cannot be written.
  NibbleFiles(const std::filesystem::path& folder, std::int64_t width, std::int64_t rows);

  /// The rows that the files have.
  std::int64_t rows() const { return bounds_.size() / static_cast<std::int64_t>(sizeof(RowBounds)); }
  /// Appends the rounded form of vectors f16 or f32 [N, width]. Throws DeviceError if that fails.
  void append(tensor::ConstMatrix vectors_ND);
  /// Waits until everything is on the disk.
  void sync() const;

 private:
  std::int64_t width_;
  OutputFile high_, low_, bounds_;
};

/// These files, mapped to read.
class MappedNibbles {
 public:
  /// Maps the first `rows` rows. Returns nothing if the files do not exist or have fewer.
  static std::optional<MappedNibbles> open(const std::filesystem::path& folder, std::int64_t width, std::int64_t rows);

  /// Valid as long as this object.
  NibbleRows rows() const;

 private:
  std::int64_t width_ = 0, rows_ = 0;
  MappedFile high_, low_, bounds_;
};

}  // namespace e5v::vectors
