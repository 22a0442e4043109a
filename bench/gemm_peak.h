#pragma once
#include <memory>
#include <string>

#include "ops/matmul.h"

namespace e5v::bench {

/// The fastest GEMM of the library (oneDNN, on a GPU cuBLASLt) for an arithmetic, without any code of ours. It is the
/// peak of every share.
class GemmPeak {
 public:
  /// Tries the library's ways (plain GEMM calls for f32 and int8, matmul on packed weights for all) on the shapes of
  /// Llama-3-8B with 2,048 rows, or small ones with `quick`, and on packed weights in the cache of each thread. Keeps
  /// the fastest. On CPUs without 8-bit dot products the library's int8 sums saturate; its speed is still a peak,
  /// although its results cannot be used.
  GemmPeak(ops::Arithmetic arithmetic, bool quick, tensor::Place place = tensor::Place::host);
  ~GemmPeak();

  /// The GFLOP/s of one more repetition.
  double measure();
  /// The maximum of all repetitions so far.
  double best() const { return best_; }
  /// The product, such as "sgemm, 2048 x 4096 x 14336".
  const std::string& description() const { return description_; }

 private:
  struct Candidate;
  struct Product;
  struct CachedProducts;
  struct DeviceProduct;
  void consider(std::unique_ptr<Candidate> candidate);
  void choose(ops::Arithmetic arithmetic, bool quick);
  void choose_on_device(ops::Arithmetic arithmetic, bool quick);

  std::unique_ptr<Candidate> candidate_;
  std::string description_;
  double best_ = 0;
};

}  // namespace e5v::bench
