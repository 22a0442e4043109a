#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace e5v::ops {

/// The position of a row on up to three axes: its position in a text on all of them, or time, height and width of an
/// image's patch. Source: arXiv:2409.12191, section 2.1 (M-RoPE).
using RotaryPosition = std::array<std::int32_t, 3>;

/// The cosines and sines of all angles of rotary embeddings.
class RotaryTable {
 public:
  /// inverse_frequencies: radians per position, one for each pair of a head's elements (half the head width). Angles
  /// are products in float32, as in the reference. Cosines and sines are multiplied by `scale`.
  RotaryTable(std::vector<float> inverse_frequencies, std::int64_t positions, float scale = 1);

  /// A row for each of the positions. axes says which of its three numbers rotates a pair. Throws InvalidInput unless
  /// there is one axis for each pair, from 0 to 2.
  RotaryTable(const std::vector<float>& inverse_frequencies, std::span<const RotaryPosition> positions,
              std::span<const std::uint8_t> axes, float scale = 1);

  std::int64_t pairs() const { return pairs_; }
  std::int64_t positions() const { return static_cast<std::int64_t>(cosines_.size()) / pairs_; }
  const float* cosines(std::int64_t position) const { return cosines_.data() + position * pairs_; }
  const float* sines(std::int64_t position) const { return sines_.data() + position * pairs_; }
  /// The cosines of all positions, then the sines, on the open accelerator. They are copied at the first call.
  const float* on_device() const;

 private:
  void add(std::int32_t position, float frequency, float scale);

  std::int64_t pairs_;
  std::vector<float> cosines_, sines_;  // [positions, pairs]
  mutable tensor::Tensor copy_;
};

/// The rotary tables of a model: one that grows with the positions that are used, so that a long context costs nothing
/// before its use, and those of listed positions. Several threads may use it.
class GrowingRotaryTable {
 public:
  /// `axes` as in RotaryTable. None: the first number rotates every pair.
  explicit GrowingRotaryTable(std::vector<float> inverse_frequencies, float scale = 1,
                              std::vector<std::uint8_t> axes = {});

  /// A table of at least this number of positions. Its row i rotates every pair by i.
  std::shared_ptr<const RotaryTable> covering(std::int64_t positions) const;
  /// A table with row i for positions[i].
  std::shared_ptr<const RotaryTable> of(std::span<const RotaryPosition> positions) const;

 private:
  std::vector<float> inverse_frequencies_;
  float scale_;
  std::vector<std::uint8_t> axes_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const RotaryTable> table_;
};

/// Rotates, in place, elements i and i + E/2 of every head of row t by the angle of positions_T[t].
/// x_TX f32 [T, heads * E], E = 2 * table.pairs(). Throws InvalidInput when shapes, types or positions do not fit.
/// Source: arXiv:2104.09864, eq. 34, with the halves split as in Llama's Hugging Face weights.
void rotary(tensor::Matrix x_TX, std::span<const std::int32_t> positions_T, const RotaryTable& table);
/// The gradient with respect to the input of rotary, from that with respect to its result: rotates back, in place.
/// Arguments as in rotary.
void rotary_backward(tensor::Matrix dx_TX, std::span<const std::int32_t> positions_T, const RotaryTable& table);

}  // namespace e5v::ops
