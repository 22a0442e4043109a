#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/hash.h"
#include "e5v/options.h"
#include "embed/stored_weights.h"
#include "model/checkpoint.h"
#include "nn/precision.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

/// What opening a model takes, whatever its family.
namespace e5v::embed {

/// A model folder's tokenizer, and how its prompts are framed.
struct StyledTokenizer {
  text::Tokenizer tokenizer;
  text::ChatStyle style;
};

/// Revisions of this program, which every fingerprint holds, so that vectors that an older one has kept (in the store
/// of an evaluation, in a run to be resumed) are not taken for this one's. To be raised by hand when the same model and
/// input give other vectors than before, rounding aside: the first for what is prepared (tokens, pixels, tiles, where a
/// text is cut), the second for what is computed from it.
constexpr std::int64_t kPreparationRevision = 2, kArithmeticRevision = 2;

/// Adds what prepares the inputs of any model: this program's revision, and tokenizer.json.
void add_preparation(Hasher& hasher, const std::filesystem::path& folder, std::int64_t revision = kPreparationRevision);

/// What a fingerprint says of the arithmetic.
std::string compute_text(nn::Precision precision, const RunOptions& run, tensor::Place place);

/// What a fingerprint says of the weights: their own fingerprint, what of the config the numbers depend on beyond the
/// weights' shapes, and the adapter's content where there is one.
std::string weights_hash(const model::Checkpoint& checkpoint, const std::string& config,
                         const std::filesystem::path& adapter = {});

/// The checkpoint of a folder, on the device that the options name, which is opened.
model::Checkpoint open_checkpoint(const std::filesystem::path& folder, const LoadOptions& options,
                                  const model::TensorNames& names);

/// Names tensors outside the model in one line of warning; nothing without any.
void warn_of_unused(const std::filesystem::path& folder, const std::vector<std::string>& names);

StoredWeights stored_weights(const model::Checkpoint& checkpoint);

/// The precision that was asked for, or the one that suits the weights.
nn::Precision choose_precision(ComputeType asked, const StoredWeights& stored,
                               tensor::Place place = tensor::Place::host);

}  // namespace e5v::embed
