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

/// Where a run has got to.
struct RunPosition {
  std::int64_t items = 0;  ///< taken from the source, bad ones included
  std::int64_t bad = 0;
  Hash128 source;  ///< ItemSource::digest() behind them
  bool operator==(const RunPosition&) const = default;
};

/// What must be the same for a run to go on where another stopped: name and value, for messages and comparison.
using RunIdentity = std::map<std::string, std::string>;

/// What made a file of vectors, and of which items.
struct VectorOrigin {
  std::string weights, preprocessing, compute;  ///< of the Fingerprint
  std::string prompt;                           ///< as it was given; empty: by content
  std::int64_t width = 0;
  std::int64_t rows = 0;  ///< this and the next are known when the file is whole
  RunPosition position;
  bool operator==(const VectorOrigin&) const = default;

  static VectorOrigin of(const Fingerprint& fingerprint, const std::string& prompt, std::int64_t width);

  /// In the words of the message that says what differs.
  RunIdentity identity() const;
  /// What is known before the first vector, by key, for the head of a .safetensors file.
  std::map<std::string, std::string> beginning() const;
  /// What is known at the end; at most VectorLayout::kEndingBytes of JSON.
  std::map<std::string, std::string> ending() const;
};

/// Where the origin of a .npy or .jsonl file is told; a .safetensors file has it in its metadata.
std::filesystem::path origin_path(const std::filesystem::path& vectors);

/// Writes the origin of a whole file of vectors: to `sidecar`, beside it. The sidecar knows its file again by a hash of
/// its size, its beginning and its end.
void write_origin(const std::filesystem::path& sidecar, const std::filesystem::path& vectors,
                  const std::map<std::string, std::string>& origin);

/// The origin of a finished file of vectors; nothing where it is not told, as by programs other than this one. Throws
/// InvalidInput when what should tell it cannot be read, or tells of another file.
std::optional<VectorOrigin> read_origin(const std::filesystem::path& vectors);

/// Throws InvalidInput when both files tell their origin and their vectors are not of one space. Vectors that were
/// scaled to length 1 and others are, as are those of different prompts.
void require_comparable(const std::filesystem::path& first, const std::filesystem::path& second);

}  // namespace e5v::vectors
