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

/// What made a file of vectors, and of which items.
struct VectorOrigin {
  std::string weights, preprocessing, compute;  ///< of the Fingerprint
  std::string prompt;                           ///< as it was given; empty: by content
  std::int64_t width = 0;
  std::int64_t rows = 0;      ///< this and what follows are known when the file is whole
  std::int64_t items = 0;     ///< of the input, those that were left out included
  std::int64_t left_out = 0;  ///< because they could not be read
  Hash128 source{};           ///< hash of the input
  bool operator==(const VectorOrigin&) const = default;

  static VectorOrigin of(const Fingerprint& fingerprint, const std::string& prompt, std::int64_t width);

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

/// Throws InvalidInput, which names both files and what differs, when both tell their origin and their vectors are not
/// of one space. Vectors that were scaled to length 1 and others are of one space, as are those of different prompts.
void require_comparable(const std::filesystem::path& first, const std::filesystem::path& second);

}  // namespace e5v::vectors
