#pragma once
#include <hwy/targets.h>

#include "ops/isa.h"
#include "ops/matmul.h"
#include "ops/random.h"

namespace e5v::ops::test {

inline std::vector<Arithmetic> arithmetics() {
  if (has_native_bf16()) return {Arithmetic::f32, Arithmetic::bf16};
  return {Arithmetic::f32};
}

inline std::vector<tensor::StoredMatrix> parts_of(std::initializer_list<tensor::TensorView> parts) {
  return {parts.begin(), parts.end()};
}

/// The matrix in another type, and what it then holds as doubles.
struct Converted {
  tensor::Tensor tensor;
  reference::Matrix exact;

  Converted(const RandomMatrix& source, tensor::DType type) : tensor(type, source.tensor.shape()), exact(source.exact) {
    const auto values = source.floats();
    for (std::size_t i = 0; i < values.size(); ++i) {
      switch (type) {
        case tensor::DType::f16:
          exact.values[i] = static_cast<float>(tensor.as<tensor::Half>()[i] = tensor::Half(values[i]));
          break;
        case tensor::DType::bf16:
          exact.values[i] = static_cast<float>(tensor.as<tensor::BFloat16>()[i] = tensor::BFloat16(values[i]));
          break;
        default: tensor.as<float>()[i] = values[i];
      }
    }
  }
};

/// Int8 weights with values up to `most`, and what they stand for.
struct Int8Weight {
  tensor::Tensor values, scales;
  reference::Matrix numbers;  // the integers
  std::vector<double> exact_scales;

  Int8Weight(std::int64_t rows, std::int64_t columns, int seed, int most = 127)
      : values(tensor::DType::i8, {rows, columns}), scales(tensor::DType::f32, {rows, 1}), numbers(rows, columns) {
    std::mt19937 generator(static_cast<unsigned>(seed));
    std::uniform_int_distribution<int> number(-most, most);
    for (std::size_t i = 0; i < numbers.values.size(); ++i) {
      numbers.values[i] = values.as<std::int8_t>()[i] = static_cast<std::int8_t>(number(generator));
    }
    for (float& scale : scales.as<float>()) {
      scale = 0.001f * static_cast<float>(1 + number(generator) + most);
      exact_scales.push_back(scale);
    }
  }
  tensor::StoredMatrix matrix() const { return tensor::StoredMatrix::int8(values.view(), scales.view()); }
  reference::Matrix exact() const {
    reference::Matrix result = numbers;
    for (std::size_t i = 0; i < result.values.size(); ++i) {
      result.values[i] *= exact_scales[i / static_cast<std::size_t>(numbers.columns)];
    }
    return result;
  }
};

/// Random int4 weights with a scale for each 32 columns, and what they stand for.
struct Int4Weight {
  tensor::Tensor words, scales;
  reference::Matrix exact;

  Int4Weight(std::int64_t rows, std::int64_t columns, unsigned seed)
      : words(tensor::DType::i32, {rows, columns / 8}),
        scales(tensor::DType::f32, {rows, columns / kGroup}),
        exact(rows, columns) {
    std::mt19937 random(seed);
    for (std::int32_t& word : words.as<std::int32_t>()) word = static_cast<std::int32_t>(random());
    for (float& scale : scales.as<float>()) {
      scale = 0.01f * static_cast<float>(1 + random() % 100) * (random() % 2 == 0 ? 1.0f : -1.0f);
    }
    for (std::size_t i = 0; i < exact.values.size(); ++i) {
      const auto word = static_cast<std::uint32_t>(words.as<std::int32_t>()[i / 8]);
      const int value = static_cast<int>(word >> (4 * (i % 8)) & 15u) - 8;
      exact.values[i] = value * static_cast<double>(scales.as<float>()[i / kGroup]);
    }
  }
  tensor::StoredMatrix matrix() const { return tensor::StoredMatrix::int4(words.view(), scales.view(), exact.columns); }

  static constexpr std::int64_t kGroup = 32;
};

/// Lets loops run on one instruction set only, until the end of the scope.
struct OnlyTarget {
  explicit OnlyTarget(std::int64_t target) { use(target); }
  ~OnlyTarget() { use(0); }
  static void use(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

}  // namespace e5v::ops::test
