#pragma once
#include <filesystem>

/// Folders of checkpoints that are made from others.
namespace e5v::model {

/// Makes the folder for a checkpoint. Throws InvalidInput when it holds something and `force` is not given, or is the
/// model's own.
void prepare_output(const std::filesystem::path& model, const std::filesystem::path& output, bool force);

/// Copies tokenizer, preprocessing and the like: all files of the model folder that are neither weights nor
/// config.json.
void copy_side_files(const std::filesystem::path& model, const std::filesystem::path& output);

}  // namespace e5v::model
