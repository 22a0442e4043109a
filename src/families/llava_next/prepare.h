#pragma once
#include <filesystem>
#include <string>

#include "e5v/options.h"
#include "embed/loading.h"
#include "embed/prepare.h"
#include "image/preprocess.h"
#include "model/config.h"

/// What a LLaVA-NeXT folder holds besides weights, read and checked against each other. All throw ModelError.
namespace e5v::families {

/// Everything in the config that the numbers depend on beyond the weights' shapes.
std::string config_text(const model::ModelConfig& config);

/// The image preprocessing that image::find_processor() and the model agree on; without a file the model's own sizes.
image::Preprocess read_llava_next_preprocess(const std::filesystem::path& folder, const model::ModelConfig& config,
                                             const PrepareOptions& options);

/// tokenizer.json with <image> among its tokens, and the chat style of the checkpoint.
embed::StyledTokenizer read_llava_next_tokenizer(const std::filesystem::path& folder, const model::ModelConfig& config);

/// The path from inputs to the model. The weights are not looked at. `sibling` is a preparer of the same folder, whose
/// tokenizer is shared; null: it is read.
embed::Preparer make_llava_next_preparer(const std::filesystem::path& folder, const model::ModelConfig& config,
                                         const PrepareOptions& options, const embed::Preparer* sibling = nullptr);

}  // namespace e5v::families
