#pragma once
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/hash.h"
#include "base/output_file.h"
#include "e5v/embedder.h"

namespace e5v::vectors {

/// Vectors on disk, found by a hash of their input, so that no input is embedded twice. Each fingerprint (weights,
/// preprocessing, arithmetic, prompt) has its own folder. Rows are only appended. An incomplete row of a killed process
/// is removed when the store is opened. A row whose bytes, key or folder were changed counts as absent. Rows of another
/// format are removed.
///   FOLDER/ID/fingerprint.json   the fingerprint with the hash ID, and the format
///   FOLDER/ID/vectors.f32        rows of `width` little-endian float32
///   FOLDER/ID/keys               for each row 16 bytes of key and 8 of a hash of ID, key and row
class VectorStore {
 public:
  /// Throws InvalidInput if the folder cannot be written or another process has opened it.
  VectorStore(const std::filesystem::path& folder, const Fingerprint& fingerprint, std::int64_t width);

  std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
  bool contains(const Hash128& key) const { return rows_.contains(key); }

  /// Copies the vector of a key [width]. Returns false if there is none, or if it is damaged and so removed.
  bool read(const Hash128& key, std::span<float> vector);

  /// Returns the number of damaged rows that read() has found.
  std::int64_t damaged() const { return damaged_; }

  /// Adds a vector, which commit() writes.
  void add(const Hash128& key, std::span<const float> vector);

  /// Writes the added vectors. Throws DeviceError if that fails.
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
