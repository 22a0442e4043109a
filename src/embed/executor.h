#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "embed/engine.h"
#include "tensor/arena.h"

namespace e5v::embed {

/// What a batch gave: for each input its vector, or why the model gives it none.
class BatchVectors {
 public:
  /// The vector of an input, finite and scaled as the input asks; empty where there is a problem.
  std::span<const float> vector(std::size_t input) const { return vectors_[input]; }
  /// Empty where there is none: "the result is not finite; weight w holds NaN or infinity".
  const std::string& problem(std::size_t input) const { return problems_[input]; }
  std::size_t size() const { return vectors_.size(); }

  void add(std::vector<float> vector, std::string problem = "");

 private:
  std::vector<std::vector<float>> vectors_;
  std::vector<std::string> problems_;
};

/// What computes batches: a model and the memory of its passes. One call at a time, and all from one thread: the pool
/// of threads that OpenMP computes with belongs to the thread that calls.
class Executor {
 public:
  /// The engine must outlive the executor.
  explicit Executor(const Engine& engine);

  std::int64_t width() const { return engine_.width(); }
  /// Rows that are computed together when `asked` for so many; 0: as many as suit the device.
  std::int64_t token_budget(std::int64_t asked) const;

  /// Computes the inputs in one pass. Throws DeviceError when memory is short; what is wrong with one vector is its
  /// problem alone.
  BatchVectors run(std::span<const PreparedInput> inputs);

  /// Bytes that the passes hold.
  std::size_t arena_bytes() const { return arena_.capacity(); }

 private:
  tensor::Matrix compute(std::span<const PreparedInput> inputs);
  std::string problem_of(tensor::Matrix vector_1D);

  const Engine& engine_;
  tensor::Arena arena_;                              // on the engine's device
  tensor::Arena vectors_;                            // on the host: those of a batch that is computed elsewhere
  std::optional<std::optional<std::string>> cause_;  // the first weight that is not finite, once it was looked for
};

}  // namespace e5v::embed
