#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "model/adapter.h"
#include "model/checkpoint.h"
#include "train/trainee.h"

namespace e5v::train {

/// The new values of a tensor, f32 of its shape; nothing when the tensor stays as it is.
using Replacement = std::function<std::optional<tensor::Tensor>(const model::Checkpoint::Stored&)>;

/// Writes the checkpoint of a folder with some tensors replaced. Types, names, config.json, tokenizer and other files
/// stay. config.json is written last, so that a folder without it is incomplete. Throws InvalidInput when the output
/// folder is not empty and `force` is not given, or when it cannot be written.
void write_checkpoint(const std::filesystem::path& model, const std::filesystem::path& output, bool force,
                      const Replacement& replacement, const std::function<void(std::uint64_t bytes)>& written);

/// The same with the trained weights. It replaces an earlier result.
void write_trained_weights(const std::filesystem::path& model, const std::filesystem::path& output,
                           const std::vector<Trainee::Weight>& weights);

/// Merges an adapter into a checkpoint: W + scale B A, in all parts of the model. Throws ModelError when the adapter
/// belongs to another model, the weights are quantised, or it changes an LM head that is tied to the embeddings.
/// Source: arXiv:2106.09685, section 4.1.
void merge_adapter(const std::filesystem::path& model, const std::filesystem::path& adapter,
                   const std::filesystem::path& output, bool force,
                   const std::function<void(std::uint64_t bytes)>& written);

}  // namespace e5v::train
