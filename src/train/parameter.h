#pragma once
#include <span>
#include <string>

#include "train/optimizer.h"

namespace e5v::train {

/// A tensor that is trained and its gradient. Both are f32, of equal length.
struct Parameter {
  std::string name;
  std::span<float> values, gradient;
  tensor::Place place = tensor::Place::host;
  std::int64_t rows = 0;  ///< of a matrix inside the network; 0: any other tensor

  operator TrainedSpan() const { return {values, gradient, place, rows}; }  // NOLINT(google-explicit-constructor)
};

}  // namespace e5v::train
