#pragma once
#include <filesystem>
#include <string>

namespace e5v::model {

/// The folder with config.json that a path given as a model stands for: itself, or the snapshot of a folder of the
/// hub's cache. Throws ModelError that says what was found instead: nothing, a file, an adapter, files of other
/// programs, a folder around the model's.
std::filesystem::path find_model_folder(const std::filesystem::path& path);

/// The files of other formats that a folder holds in place of model.safetensors, and what to do, for a message; empty
/// when there is none.
std::string foreign_weights(const std::filesystem::path& folder);

}  // namespace e5v::model
