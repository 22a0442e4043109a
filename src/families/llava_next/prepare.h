#pragma once
#include <filesystem>
#include <string>

#include "e5v/options.h"
#include "embed/loading.h"
#include "embed/prepare.h"
#include "image/preprocess.h"
#include "model/config.h"

/// Reads the files of a LLaVA-NeXT folder besides weights, and checks them against each other. All functions throw
/// ModelError.
namespace e5v::families {

/// The fields of the config that vectors depend on in addition to the weights' shapes.
std::string config_text(const model::ModelConfig& config);

/// The image preprocessing of image::find_processor(), checked against the model; without a file, the model's own
/// sizes.
image::Preprocess read_llava_next_preprocess(const std::filesystem::path& folder, const model::ModelConfig& config,
                                             const PrepareOptions& options);

/// Reads tokenizer.json, which must have <image> among its tokens, and the chat style of the checkpoint.
embed::StyledTokenizer read_llava_next_tokenizer(const std::filesystem::path& folder, const model::ModelConfig& config);

/// Makes the preparer of a folder, without reading its weights. It shares the tokenizer of `sibling`, a preparer of the
/// same folder. Null: the tokenizer is read.
embed::Preparer make_llava_next_preparer(const std::filesystem::path& folder, const model::ModelConfig& config,
                                         const PrepareOptions& options, const embed::Preparer* sibling = nullptr);

}  // namespace e5v::families
