#pragma once
#include <filesystem>
#include <functional>
#include <vector>

#include "quantize/block.h"
#include "runs/items.h"

namespace e5v::quantize {

struct QuantizeOptions {
  std::filesystem::path model, output;
  tensor::WeightFormat format = tensor::WeightFormat::int8;
  std::int64_t group = 0;                 ///< for int4; 0: the largest of 64, 32, 16, 8 that divides all widths
  Wide wide = Wide::attention_and_first;  ///< the matrices of an int4 model with 8 bits
  bool smooth = true;                     ///< move outliers from activations into weights; not for nf4
  bool compensate = true;                 ///< for int4: columns compensate the errors of earlier columns
  bool force = false;                     ///< replace the checkpoint in the output folder
  std::vector<runs::ItemList::Entry> calibration;          ///< empty: default_sentences(); nf4 needs none
  std::function<void(const BlockReport&)> done = nullptr;  ///< after each block
  std::function<void()> check_stop = nullptr;              ///< called often; an exception ends the run
};

/// The number of tokens in a batch of calibration inputs.
inline constexpr std::int64_t kCalibrationBatch = 4096;

/// The maximum number of tokens of calibration inputs: second moments need more tokens than ranges.
constexpr std::int64_t calibration_tokens(bool compensate) {
  return compensate ? 4 * kCalibrationBatch : kCalibrationBatch;
}

/// Writes the model with the matrices of its language model quantised, block by block. At most one block is in memory,
/// besides the activations and, with compensation, the second moments of its inputs. Throws ModelError for checkpoints
/// that are quantised already. Throws InvalidInput for an output that cannot be written, for groups that do not divide
/// the model's widths, and for a calibration item that cannot be prepared, which the message names.
void quantize_checkpoint(const QuantizeOptions& options);

}  // namespace e5v::quantize
