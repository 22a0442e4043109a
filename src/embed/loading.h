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

/// Common steps of opening a model of any family.
namespace e5v::embed {

/// A model folder's tokenizer and the style of its prompts.
struct StyledTokenizer {
  text::Tokenizer tokenizer;
  text::ChatStyle style;
};

/// Revisions of this program. Every fingerprint contains them, so that vectors of an older program (in an evaluation's
/// store, or in a run to be resumed) are not mixed with new ones. Raise them by hand when the same model and input give
/// other vectors than before, apart from rounding: the first one for preparation (tokens, pixels, tiles, where a text
/// is cut), the second one for the computation.
constexpr std::int64_t kPreparationRevision = 2, kArithmeticRevision = 2;

/// Adds what the preparation of any model depends on: the revision of this program, and tokenizer.json.
void add_preparation(Hasher& hasher, const std::filesystem::path& folder, std::int64_t revision = kPreparationRevision);

/// The arithmetic's part of a fingerprint.
std::string compute_text(nn::Precision precision, const RunOptions& run, tensor::Place place);

/// The weights' part of a fingerprint: the fingerprint of the weights, the fields of the config that vectors depend on
/// in addition to the weights' shapes, and the content of the adapter, if there is one.
std::string weights_hash(const model::Checkpoint& checkpoint, const std::string& config,
                         const std::filesystem::path& adapter = {});

/// The checkpoint of a folder, on the device of the options, which is opened.
model::Checkpoint open_checkpoint(const std::filesystem::path& folder, const LoadOptions& options,
                                  const model::TensorNames& names);

/// Logs a warning line with the tensors outside the model. Nothing without such tensors.
void warn_of_unused(const std::filesystem::path& folder, const std::vector<std::string>& names);

StoredWeights stored_weights(const model::Checkpoint& checkpoint);

/// The precision that was asked for, or one that suits the weights.
nn::Precision choose_precision(ComputeType asked, const StoredWeights& stored,
                               tensor::Place place = tensor::Place::host);

}  // namespace e5v::embed
