#pragma once
#include <cstdint>

#include "tensor/tensor.h"

/// What the ways of rounding to 4 bits share.
namespace e5v::quantize {

/// A number as it comes back from f32, f16 or bf16.
float round_to(tensor::DType type, float value);

/// Puts a number into a tensor of f32, f16 or bf16.
void store(const tensor::Tensor& tensor, std::int64_t index, float value);

/// The integer in [-8, 7] nearest to w / scale; `inverse` is 1 / scale.
float nearest_int4(float w, float inverse);

/// Of several scales, from the one that keeps the largest of `count` values down to 0.6 of it, the one with the least
/// sum of importance (w - q s)^2; without importance (nullptr) all count the same. It is rounded to `type` and never 0.
float best_int4_scale(const float* w, const float* importance, std::int64_t count, tensor::DType type);

/// Integers in [-8, 7], a multiple of eight, as the words that int4 matrices are stored in.
void pack_int4(const float* q, std::int64_t count, std::int32_t* words);

}  // namespace e5v::quantize
