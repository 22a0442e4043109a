#pragma once
#include <memory>
#include <string>

#include "ops/matmul.h"

namespace e5v::bench {

/// The fastest GEMM that the CPU library (oneDNN) has for an arithmetic, called without anything of ours around it:
/// the ceiling of every share.
class GemmPeak {
 public:
  /// Tries the library's ways (f32: sgemm, and matmul on packed weights; bf16: matmul on packed weights) on the shapes
  /// of Llama-3-8B with 2,048 rows, or small ones with `quick`, and keeps the fastest.
  GemmPeak(ops::Arithmetic arithmetic, bool quick);
  ~GemmPeak();

  /// GFLOP/s of one repetition, now.
  double measure();
  /// The best of all repetitions so far.
  double best() const { return best_; }
  /// "sgemm, 2048 x 4096 x 14336"
  const std::string& description() const { return description_; }

 private:
  struct Candidate;
  std::unique_ptr<Candidate> candidate_;
  std::string description_;
  double best_ = 0;
};

}  // namespace e5v::bench
