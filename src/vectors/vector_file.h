#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/output_file.h"
#include "vectors/vector_format.h"

namespace e5v::vectors {

/// Sizes of a growing file of vectors.
struct VectorFileSize {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;     ///< of the file
  std::int64_t id_bytes = 0;  ///< of the ids' text; stays 0 for JSONL, which holds ids itself
  bool operator==(const VectorFileSize&) const = default;
};

/// Reads back what a VectorFile has written.
class VectorFileCheck {
 public:
  explicit VectorFileCheck(const std::filesystem::path& output, VectorFormat format);
  /// The hash that VectorFile::flush() gave for the part between two sizes; none when the files are shorter than that.
  std::optional<Hash128> hash(const VectorFileSize& from, const VectorFileSize& to) const;

 private:
  OutputFile rows_, ids_;
};

/// A file of vectors that grows row by row in its final layout, under a name of its own until it is whole: rows go to
/// OUTPUT.partial, ids to OUTPUT.partial.ids. Memory does not grow with the rows, and finishing copies none of them.
class VectorFile {
 public:
  /// Begins at `size`, or goes on from it: what follows is cut off. Throws InvalidInput when files cannot be opened
  /// or hold less than that.
  VectorFile(std::filesystem::path output, VectorLayout layout, const VectorFileSize& size = {});

  /// Holds a row until flush().
  void add(const Json& id, std::span<const float> vector);

  /// Writes what was added since the last flush, and gives a hash of it. Throws DeviceError when that fails.
  Hash128 flush();

  /// Waits until everything flushed is on the disk.
  void sync() const;

  /// What has been flushed.
  const VectorFileSize& size() const { return size_; }

  /// Completes the head and, for safetensors, the ids, and notes what made the vectors: in the metadata of the layout
  /// and in `ending`. After that no row may follow. Leaves the names as they are.
  void complete(const std::map<std::string, std::string>& ending = {});

  static std::filesystem::path partial_path(const std::filesystem::path& output) {
    return output.string() + ".partial";
  }
  static std::filesystem::path partial_ids_path(const std::filesystem::path& output) {
    return output.string() + ".partial.ids";
  }
  static std::filesystem::path partial_origin_path(const std::filesystem::path& output) {
    return output.string() + ".partial.origin.json";
  }
  /// Where the ids of a .npy file are.
  static std::filesystem::path ids_path(const std::filesystem::path& output) { return output.string() + ".ids.txt"; }

  /// Gives the completed files of an output their final names; does nothing for those that have them.
  static void publish(const std::filesystem::path& output, VectorFormat format);
  /// Files beside a finished output that belong to it.
  static std::vector<std::filesystem::path> companions(const std::filesystem::path& output, VectorFormat format);
  /// Copies a finished output of that many rows to the names of an unfinished one, so that rows can follow; the output
  /// stays until it is replaced. Throws InvalidInput when its sizes are not those of that many rows in this layout.
  static VectorFileSize reopen(const std::filesystem::path& output, const VectorLayout& layout, std::int64_t rows);
  /// Removes what is unfinished.
  static void discard(const std::filesystem::path& output);

 private:
  VectorLayout layout_;
  VectorFileSize size_;
  std::int64_t added_ = 0;
  std::string new_rows_, new_ids_;
  OutputFile rows_, ids_;
};

}  // namespace e5v::vectors
