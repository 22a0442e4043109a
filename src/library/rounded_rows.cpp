#include "library/rounded_rows.h"

#include <system_error>

#include "base/error.h"
#include "library/vector_rows.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;

/// Makes the rounded form of the first rows of a file.
void make_rounded(const fs::path& vectors, std::int64_t width, std::int64_t rows) {
  const fs::path folder = rounded_folder(vectors);
  fs::path part = folder;
  part += ".new";
  std::error_code error;
  fs::remove_all(part, error);  // of a process that was killed
  fs::create_directories(part, error);
  require<DeviceError>(!error, "[{}] cannot be made: {}", part.string(), error.message());
  vectors::NibbleFiles files(part, width, 0);
  if (rows > 0) {
    files.append(VectorRows(vectors, width, rows).matrix());
    files.sync();
  }
  fs::remove_all(folder, error);
  fs::rename(part, folder, error);
  require<DeviceError>(!error, "[{}] cannot be renamed: {}", part.string(), error.message());
}

}  // namespace

fs::path rounded_folder(const fs::path& vectors) {
  const std::string name = vectors.stem().string();  // "vectors-1"
  return vectors.parent_path() / ("rounded" + name.substr(std::min(name.find('-'), name.size())));
}

vectors::NibbleFiles open_rounded(const fs::path& vectors, std::int64_t width, std::int64_t rows) {
  const fs::path folder = rounded_folder(vectors);
  if (!fs::is_directory(folder) || !vectors::MappedNibbles::open(folder, width, rows))
    make_rounded(vectors, width, rows);
  return {folder, width, rows};
}

RoundedRows::RoundedRows(const fs::path& path, tensor::ConstMatrix vectors_CD)
    : mapped_(vectors::MappedNibbles::open(rounded_folder(path), vectors_CD.columns, vectors_CD.rows)),
      made_(vectors_CD.columns) {
  if (!mapped_) made_.append(vectors_CD);
}

}  // namespace e5v::library
