#pragma once
#include <filesystem>

/// Folders of checkpoints that are made from other checkpoints.
namespace e5v::model {

/// Creates the folder of a checkpoint. Throws InvalidInput when it is the model's own, or is not empty and `force` is
/// not given.
void prepare_output(const std::filesystem::path& model, const std::filesystem::path& output, bool force);

/// To be called before the new weights get their name. A previous checkpoint in the folder is invalid from then on,
/// until there is a config.json again.
void begin_replacement(const std::filesystem::path& output);

/// Completes a folder with a model.safetensors, except for config.json. Copies tokenizer, preprocessing and all other
/// files of the model folder that are neither weights nor config.json. Removes the index, the shards and the
/// preprocessing of a previous checkpoint.
void copy_side_files(const std::filesystem::path& model, const std::filesystem::path& output);

}  // namespace e5v::model
