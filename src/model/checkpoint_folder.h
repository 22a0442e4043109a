#pragma once
#include <filesystem>

/// Folders of checkpoints that are made from others.
namespace e5v::model {

/// Makes the folder for a checkpoint. Throws InvalidInput when it holds something and `force` is not given, or is the
/// model's own.
void prepare_output(const std::filesystem::path& model, const std::filesystem::path& output, bool force);

/// To be called when the new weights are about to take their name: a checkpoint that was there before is none from now
/// on, until it has a config.json again.
void begin_replacement(const std::filesystem::path& output);

/// Makes a folder complete but for config.json, once its model.safetensors is written. Copies tokenizer, preprocessing
/// and the like: all files of the model folder that are neither weights nor config.json. Removes the index, the
/// shards and the preprocessing of a checkpoint that was in the output folder before.
void copy_side_files(const std::filesystem::path& model, const std::filesystem::path& output);

}  // namespace e5v::model
