#pragma once
#include <filesystem>
#include <string>

namespace e5v::model {

/// The folder with config.json of a model's path: the path itself, or the snapshot in a folder of the hub's cache.
/// Throws ModelError, which says what was found instead: nothing, a file, an adapter, files of other programs, or a
/// folder around the model's.
std::filesystem::path find_model_folder(const std::filesystem::path& path);

/// For a message: the files of other formats in a folder without model.safetensors, and what to do about them; empty
/// when there are none.
std::string foreign_weights(const std::filesystem::path& folder);

}  // namespace e5v::model
