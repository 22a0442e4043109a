#pragma once
#include <span>
#include <vector>

#include "embed/engine.h"

namespace e5v::families::test {

/// Options of a model that is computed on the CPU, as exactly as can be.
inline LoadOptions in_f32() {
  LoadOptions load;
  load.dtype = ComputeType::f32;
  load.device = "cpu";
  return load;
}

inline std::vector<embed::PreparedInput> prepared(embed::Engine& engine, std::span<const Input> inputs,
                                                  const PrepareOptions& options = {}) {
  std::vector<embed::PreparedInput> all;
  for (const Input& input : inputs) all.push_back(engine.prepare(input, {}, options));
  return all;
}

/// What an engine on the CPU computes of a batch, not normalised.
inline std::vector<std::vector<float>> vectors_of(const embed::Engine& engine,
                                                  std::span<const embed::PreparedInput> inputs) {
  tensor::Arena arena;
  const tensor::Matrix y_SD =
      arena.matrix(tensor::DType::f32, static_cast<std::int64_t>(inputs.size()), engine.width());
  engine.compute(inputs, y_SD, arena);
  std::vector<std::vector<float>> vectors;
  for (std::int64_t i = 0; i < y_SD.rows; ++i)
    vectors.emplace_back(y_SD.row<float>(i), y_SD.row<float>(i) + y_SD.columns);
  return vectors;
}

}  // namespace e5v::families::test
