#pragma once
#include <filesystem>
#include <string>

#include "e5v/embedder.h"

namespace e5v::library {

/// The model of a library: where it is, the options that its vectors depend on, and their fingerprint.
struct ModelRecord {
  std::filesystem::path folder;  ///< of the checkpoint, absolute
  LoadOptions load;              ///< dtype and adapter; the other members depend on the machine and are not kept
  PrepareOptions prepare;
  Fingerprint fingerprint;  ///< of the vectors of images
  std::int64_t width = 0;   ///< dimensions of a vector

  /// The record of a loaded model.
  static ModelRecord of(const Embedder& embedder, const std::filesystem::path& folder, const LoadOptions& load,
                        const PrepareOptions& prepare);
  /// Whether of() would return the same folder and options for these.
  bool is_of(const std::filesystem::path& folder, const LoadOptions& load, const PrepareOptions& prepare) const;

  std::string json() const;
  /// What json() returned. Throws InvalidInput, which begins with `origin`, for any other text.
  static ModelRecord from_json(const std::string& text, std::string_view origin);
};

/// Throws InvalidInput, which begins with [library] and says what differs and what can be done, unless vectors of both
/// can be compared.
void require_same_space(const ModelRecord& library, const ModelRecord& given, const std::filesystem::path& folder);

}  // namespace e5v::library
