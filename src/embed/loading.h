#pragma once
#include <filesystem>
#include <optional>

#include "base/json.h"
#include "e5v/embedder.h"
#include "embed/prepare.h"
#include "embed/stored_weights.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "nn/precision.h"

/// What a model folder holds besides weights, read and checked against each other.
namespace e5v::embed {

/// The image preprocessing that image::find_processor() and the model agree on; without a file the model's own sizes.
/// Throws ModelError when the two contradict each other.
image::Preprocess read_preprocess(const std::filesystem::path& folder, const model::ModelConfig& config,
                                  const EmbedderOptions& options);

/// tokenizer.json with <image> among its tokens.
text::Tokenizer read_tokenizer(const std::filesystem::path& folder, const model::ModelConfig& config);

/// The tokenizer of any model folder, and how its prompts are framed.
struct StyledTokenizer {
  text::Tokenizer tokenizer;
  text::ChatStyle style;
};
StyledTokenizer read_any_tokenizer(const std::filesystem::path& folder);

/// Revisions of this program, which every fingerprint holds, so that vectors that an older one has kept (in the store
/// of an evaluation, in a run to be resumed) are not taken for this one's. To be raised by hand when the same model and
/// input give other vectors than before, rounding aside: the first for what is prepared (tokens, pixels, tiles, where a
/// text is cut), the second for what is computed from it.
constexpr std::int64_t kPreparationRevision = 2, kArithmeticRevision = 2;

/// Adds what prepares the inputs of any model: this program's revision, and tokenizer.json.
void add_preparation(Hasher& hasher, const std::filesystem::path& folder, std::int64_t revision = kPreparationRevision);

/// What a fingerprint says of the arithmetic.
std::string compute_text(nn::Precision precision, bool normalize, tensor::Place place);

/// The checkpoint of a folder, on the device that the options name, which is opened.
model::Checkpoint open_checkpoint(const std::filesystem::path& folder, const EmbedderOptions& options);

/// Names tensors outside the model in one line of warning; nothing without any.
void warn_of_unused(const std::filesystem::path& folder, const std::vector<std::string>& names);

StoredWeights stored_weights(const model::Checkpoint& checkpoint);

/// The precision that was asked for, or the one that suits the weights.
nn::Precision choose_precision(ComputeType asked, const StoredWeights& stored,
                               tensor::Place place = tensor::Place::host);

/// The path from inputs to the model.
Preparer make_preparer(const std::filesystem::path& folder, const model::ModelConfig& config,
                       const model::Checkpoint& checkpoint, nn::Precision precision, const EmbedderOptions& options);

}  // namespace e5v::embed
