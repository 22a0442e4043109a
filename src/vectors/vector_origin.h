#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/hash.h"
#include "e5v/embedder.h"
#include "vectors/vector_format.h"

namespace e5v::vectors {

/// The origin record of a file of vectors: the model, the options and the items.
struct VectorOrigin {
  std::string weights, preprocessing, compute;  ///< the members of Fingerprint
  std::string prompt;                           ///< the given prompt; empty if it depends on the content of an item
  std::int64_t width = 0;
  std::int64_t rows = 0;      ///< this member and the following ones are known when the file is complete
  std::int64_t items = 0;     ///< number of items of the input, including those that were left out
  std::int64_t left_out = 0;  ///< number of items that could not be read
  Hash128 source{};           ///< hash of the input
  bool operator==(const VectorOrigin&) const = default;

  static VectorOrigin of(const Fingerprint& fingerprint, const std::string& prompt, std::int64_t width);

  /// Returns the entries that are known before the first vector, by key, for the head of a .safetensors file.
  std::map<std::string, std::string> beginning() const;
  /// Returns the entries that are known at the end; they take at most VectorLayout::kEndingBytes of JSON.
  std::map<std::string, std::string> ending() const;
};

/// Returns the path of the sidecar of a .npy or .jsonl file. A .safetensors file has the origin in its metadata.
std::filesystem::path origin_path(const std::filesystem::path& vectors);

/// Writes the origin of a complete file of vectors to `sidecar`. The sidecar contains a hash of the file's size,
/// beginning and end, which shows whether it belongs to the file.
void write_origin(const std::filesystem::path& sidecar, const std::filesystem::path& vectors,
                  const std::map<std::string, std::string>& origin);

/// Returns the origin of a complete file of vectors, or nothing if it has no record, like files of other programs.
/// Throws InvalidInput if the record cannot be read or belongs to another file.
std::optional<VectorOrigin> read_origin(const std::filesystem::path& vectors);

/// Throws InvalidInput, which names both files and the difference, if both have an origin record and their vectors
/// cannot be compared after scaling to length 1. So the scaling and the prompts may differ.
void require_comparable(const std::filesystem::path& first, const std::filesystem::path& second);

}  // namespace e5v::vectors
