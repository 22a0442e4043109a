#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/json.h"

namespace e5v::vectors {

/// Files that vectors are written to. Numbers are little-endian float32.
///   npy          NumPy's format 1.0, [N, D]; ids go to a text file beside it, one a line
///   jsonl        {"id": ..., "embedding": [...]} a line
///   safetensors  "embeddings" F32 [N, D] and "ids" U8, the text of the ids, one a line; where the vectors come from is
///                in the metadata. (Ids are no metadata because the format limits the header to 100 MB.)
enum class VectorFormat { npy, jsonl, safetensors };

/// By the ending of the file's name; none when it is another.
std::optional<VectorFormat> format_of(const std::filesystem::path& path);

/// Bytes of the head that a file begins with. Its size depends on nothing that is not known before the first vector, so
/// that the head can be put in front of N rows after them.
struct VectorLayout {
  VectorFormat format = VectorFormat::npy;
  std::int64_t width = 0;                         ///< D
  std::map<std::string, std::string> metadata{};  ///< what made the vectors: VectorOrigin::beginning()

  std::int64_t head_size() const;
  /// Bytes that a head has for the entries that are known at the end, as JSON.
  static constexpr std::size_t kEndingBytes = 192;
  /// The head of a file of N rows whose ids take id_bytes; `ending` are more metadata of a safetensors file.
  std::string head(std::int64_t rows, std::int64_t id_bytes,
                   const std::map<std::string, std::string>& ending = {}) const;
};

/// Appends a vector as the format has it.
void append_row(VectorFormat format, const Json& id, std::span<const float> vector, std::string& out);

}  // namespace e5v::vectors
