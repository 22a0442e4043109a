#pragma once
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace e5v::nn {

/// Which inputs of adapters are dropped in a training step. Every random number is named by what it is for, not by when
/// it is drawn: so a pass can be repeated, and neither threads nor the cut into batches matter.
struct Dropout {
  float probability = 0;
  std::uint32_t seed = 0;
  std::uint32_t step = 0;
};

/// Each element of x becomes 0 with the probability p, else x / (1 - p). place: a number of the place in the model;
/// row_names_T: of the rows, each unique within the step. The same arguments drop the same elements. x_TD f32.
/// Source: arXiv:1207.0580; random numbers by Philox.
void drop(const Dropout& dropout, std::uint32_t place, std::span<const std::uint64_t> row_names_T,
          tensor::Matrix x_TD);

}  // namespace e5v::nn
