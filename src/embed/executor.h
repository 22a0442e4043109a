#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "embed/engine.h"
#include "tensor/arena.h"

namespace e5v::embed {

/// The result of a batch: for each input its vector, or the reason why there is none.
class BatchVectors {
 public:
  /// The vector of an input, finite and scaled as the input asks. Empty when there is a problem.
  std::span<const float> vector(std::size_t input) const { return vectors_[input]; }
  /// The problem, such as "the result is not finite; weight w holds NaN or infinity". Empty when there is none.
  const std::string& problem(std::size_t input) const { return problems_[input]; }
  std::size_t size() const { return vectors_.size(); }

  void add(std::vector<float> vector, std::string problem = "");

 private:
  std::vector<std::vector<float>> vectors_;
  std::vector<std::string> problems_;
};

/// Computes batches with a model and keeps the memory of its passes. All calls must come from one thread, one at a
/// time, because OpenMP's pool of threads belongs to the calling thread.
class Executor {
 public:
  /// The engine must outlive the executor.
  explicit Executor(const Engine& engine);

  std::int64_t width() const { return engine_.width(); }
  /// The number of rows of a batch for an asked number. 0: a number that suits the device.
  std::int64_t token_budget(std::int64_t asked) const;

  /// Computes the inputs in one pass. Throws DeviceError when memory is short. The problem of one vector does not
  /// affect the others.
  BatchVectors run(std::span<const PreparedInput> inputs);

  /// The bytes that passes hold.
  std::size_t arena_bytes() const { return arena_.capacity(); }

 private:
  tensor::Matrix compute(std::span<const PreparedInput> inputs);
  std::string problem_of(tensor::Matrix vector_1D);

  const Engine& engine_;
  tensor::Arena arena_;                              // on the engine's device
  tensor::Arena vectors_;                            // on the host: vectors of a batch that a device computes
  std::optional<std::optional<std::string>> cause_;  // the first weight that is not finite, after a search
};

}  // namespace e5v::embed
