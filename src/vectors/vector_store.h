#pragma once
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/hash.h"
#include "base/output_file.h"
#include "e5v/embedder.h"

namespace e5v::vectors {

/// Vectors on disk, found by a hash of what they were made from, so that nothing is embedded twice. They lie in a
/// folder of their own for each fingerprint (weights, preprocessing, arithmetic, prompt), hence a change of any of
/// these finds none. Rows are only ever appended; what a killed process left half-written is cut off on opening, and a
/// row that is not what was written counts as absent: its bytes, its key, or the folder that it lies in may have been
/// changed. Rows of another format are thrown away.
///   FOLDER/ID/fingerprint.json   what ID stands for, and the format
///   FOLDER/ID/vectors.f32        rows of `width` little-endian float32
///   FOLDER/ID/keys               for each row 16 bytes of key and 8 of a hash of ID, key and row
class VectorStore {
 public:
  /// Throws InvalidInput when the folder cannot be written or another process has it open.
  VectorStore(const std::filesystem::path& folder, const Fingerprint& fingerprint, std::int64_t width);

  std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
  bool contains(const Hash128& key) const { return rows_.contains(key); }

  /// Copies the vector of a key [width]; false when there is none, or it is damaged, which also forgets it.
  bool read(const Hash128& key, std::span<float> vector);

  /// Rows that read() has found to be damaged.
  std::int64_t damaged() const { return damaged_; }

  /// Holds a vector until commit().
  void add(const Hash128& key, std::span<const float> vector);

  /// Writes what was added. Throws DeviceError when that fails.
  void commit();

 private:
  std::uint64_t check_of(const Hash128& key, std::string_view row) const;

  std::int64_t width_, damaged_ = 0;
  std::string id_;
  OutputFile vectors_, keys_;
  std::map<Hash128, std::int64_t> rows_;
  std::int64_t written_ = 0;  // rows in the files
  std::string new_vectors_, new_keys_;
};

}  // namespace e5v::vectors
