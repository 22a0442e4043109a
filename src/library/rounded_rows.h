#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

#include "tensor/matrix.h"
#include "vectors/nibble_files.h"
#include "vectors/nibble_rows.h"

/// The rounded form of a library's vectors, which a search reads instead of most of them: FOLDER/rounded-N belongs to
/// FOLDER/vectors-N.f16.
namespace e5v::library {

/// The folder of the rounded form of a file of vectors.
std::filesystem::path rounded_folder(const std::filesystem::path& vectors);

/// Opens the rounded form of the first `rows` vectors to append to it. If it is missing or has fewer rows, it is made
/// anew from the file of vectors, and takes its place when all of it is on the disk.
vectors::NibbleFiles open_rounded(const std::filesystem::path& vectors, std::int64_t width, std::int64_t rows);

/// The rounded form of vectors, to read: mapped files, or without them (a library that an older version wrote and that
/// was not opened to write since) a copy in memory, which takes width + 16 bytes for each vector.
class RoundedRows {
 public:
  /// `vectors_CD` f16 [C, D] is the content of the file `path`.
  RoundedRows(const std::filesystem::path& path, tensor::ConstMatrix vectors_CD);

  /// Valid as long as this object.
  vectors::NibbleRows rows() const { return mapped_ ? mapped_->rows() : made_.rows(); }
  bool is_mapped() const { return mapped_.has_value(); }

 private:
  std::optional<vectors::MappedNibbles> mapped_;
  vectors::NibbleBuffer made_;
};

}  // namespace e5v::library
