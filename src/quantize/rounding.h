#pragma once
#include <cstdint>

#include "tensor/tensor.h"

/// Common functions of the ways of rounding to 4 bits.
namespace e5v::quantize {

/// A number after a conversion to f32, f16 or bf16 and back.
float round_to(tensor::DType type, float value);

/// Stores a number in a tensor of f32, f16 or bf16.
void store(const tensor::Tensor& tensor, std::int64_t index, float value);

/// The integer in [-8, 7] nearest to w / scale; `inverse` is 1 / scale.
float nearest_int4(float w, float inverse);

/// The scale with the smallest sum of importance (w - q s)^2 among several, from the one that represents the largest of
/// `count` values down to 0.6 of it. Without importance (nullptr) all values have equal weight. The scale is rounded to
/// `type` and is never 0.
float best_int4_scale(const float* w, const float* importance, std::int64_t count, tensor::DType type);

/// Stores integers in [-8, 7], a multiple of eight of them, as the words of int4 matrices.
void pack_int4(const float* q, std::int64_t count, std::int32_t* words);

}  // namespace e5v::quantize
