#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "e5v/embedder.h"
#include "model/checkpoint.h"

namespace e5v::inspect {

/// What the doctor asks of a model folder, whatever family of models it holds. The answers are a few words each; what
/// is wrong is thrown.
class FolderChecks {
 public:
  FolderChecks() = default;
  FolderChecks(const FolderChecks&) = delete;
  FolderChecks& operator=(const FolderChecks&) = delete;
  virtual ~FolderChecks() = default;

  virtual bool sees() const = 0;
  virtual std::string config() const = 0;
  /// The shapes of all tensors, against the config.
  virtual std::string tensors(const model::Checkpoint& checkpoint) const = 0;
  virtual std::string tokenizer() const = 0;
  virtual std::string preprocess() const = 0;
};

/// Those of a folder, whose config.json is read. Throws ModelError.
std::unique_ptr<FolderChecks> folder_checks(const std::filesystem::path& folder, const EmbedderOptions& options);

}  // namespace e5v::inspect
