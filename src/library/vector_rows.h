#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "base/mmap.h"
#include "base/output_file.h"
#include "tensor/half.h"
#include "tensor/matrix.h"
#include "vectors/nibble_files.h"

/// The file of a library's vectors: rows of `width` little-endian f16, which are only appended. Its rounded form
/// (library/rounded_rows) grows with it.
namespace e5v::library {

/// Appends rows. Move-only.
class VectorRowWriter {
 public:
  /// Opens or creates the file and its rounded form, and cuts what follows the first `rows` rows, which a killed
  /// process may have left. `rows` must not exceed those that the file has (rows_in). A rounded form with fewer rows is
  /// made anew.
  VectorRowWriter(const std::filesystem::path& path, std::int64_t width, std::int64_t rows);

  /// Adds a vector f32 [width], rounded to f16, and returns its row. write() and flush() write it.
  std::int64_t add(std::span<const float> vector);
  /// Adds a vector that is f16 already.
  std::int64_t add(std::span<const tensor::Half> vector);
  /// Writes the added rows.
  void write();
  /// Writes the added rows and waits until all are on the disk.
  void flush();

 private:
  OutputFile file_;
  vectors::NibbleFiles rounded_;
  std::int64_t width_, rows_;
  std::string added_;
};

/// The number of whole rows in a file; 0 if there is no file.
std::int64_t rows_in(const std::filesystem::path& path, std::int64_t width);

/// A file of vectors, mapped into memory.
class VectorRows {
 public:
  /// Maps the first `rows` rows. Throws InvalidInput if the file is shorter.
  VectorRows(const std::filesystem::path& path, std::int64_t width, std::int64_t rows);

  std::int64_t rows() const { return rows_; }
  std::int64_t width() const { return width_; }
  /// All of them: f16 [rows, width].
  tensor::ConstMatrix matrix() const;
  /// The vector of a row: f16 [width].
  std::span<const tensor::Half> row(std::int64_t index) const;

 private:
  std::int64_t width_, rows_;
  std::optional<MappedFile> file_;  // none: no rows
};

}  // namespace e5v::library
