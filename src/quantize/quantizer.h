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
  std::int64_t group = 0;                          ///< of int4; 0: the largest of 64, 32, 16, 8 that divides all widths
  Wide wide = Wide::attention_and_first;           ///< what int4 keeps in 8 bits
  bool smooth = true;                              ///< move outliers from activations into weights; nf4 never does
  bool compensate = true;                          ///< of int4: columns take back the errors of those before them
  bool force = false;                              ///< replace what is in the output folder
  std::vector<runs::ItemList::Entry> calibration;  ///< empty: default_sentences(); nf4 needs none
  std::function<void(const BlockReport&)> done = nullptr;  ///< after each block
  std::function<void()> check_stop = nullptr;              ///< asked often; what it throws ends the run
};

/// Tokens that the calibration inputs are computed in batches of.
inline constexpr std::int64_t kCalibrationBatch = 4096;

/// Tokens of calibration inputs that are used at most: second moments need more of them than ranges.
constexpr std::int64_t calibration_tokens(bool compensate) {
  return compensate ? 4 * kCalibrationBatch : kCalibrationBatch;
}

/// Writes the model with the matrices of its language model quantised, block by block: never more than one block is in
/// memory beside the activations and, with compensation, the second moments of what enters it. Throws ModelError for
/// checkpoints that are quantised already, InvalidInput for an output that cannot be written, for groups that do not
/// divide the model's widths, and for a calibration item that cannot be prepared, led by its place.
void quantize_checkpoint(const QuantizeOptions& options);

}  // namespace e5v::quantize
