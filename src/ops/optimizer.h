#pragma once
#include <span>

#include "ops/adamw_factors.h"
#include "tensor/device.h"

/// What an optimizer does to the tensors that it trains.
namespace e5v::ops {

/// A tensor and what AdamW keeps for it: lists of one length.
struct AdamWTensor {
  std::span<float> values;
  std::span<const float> gradient;
  std::span<float> mean, square;              ///< moving averages of the gradient and of its square
  tensor::Place place = tensor::Place::host;  ///< of all four
};

/// One step of AdamW over tensors that do not overlap:
///   mean += one_minus_beta1 (gradient - mean); square = beta2 square + one_minus_beta2 gradient^2;
///   values = keep values - size mean / (sqrt(square) / correction2 + epsilon).
/// Every operation is rounded by itself, so that a GPU has a CPU's bits. Throws InvalidInput when lengths differ.
/// Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2; torch.optim.AdamW.
void adamw(const AdamWFactors& factors, std::span<const AdamWTensor> tensors);

/// The sum of the squares of all numbers in lists that lie at a place, in double and in an order that depends on the
/// lists' lengths alone.
double square_sum(std::span<const std::span<const float>> lists, tensor::Place place);

/// Every number in lists that lie at a place *= factor.
void scale(std::span<const std::span<float>> lists, float factor, tensor::Place place);

}  // namespace e5v::ops
