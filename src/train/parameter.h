#pragma once
#include <span>
#include <string>

#include "train/adamw.h"

namespace e5v::train {

/// A tensor that is trained, its gradient beside it: f32, of one length.
struct Parameter {
  std::string name;
  std::span<float> values, gradient;
  tensor::Place place = tensor::Place::host;

  operator TrainedSpan() const { return {values, gradient, place}; }  // NOLINT(google-explicit-constructor)
};

}  // namespace e5v::train
