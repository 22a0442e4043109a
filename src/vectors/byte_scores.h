#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ops/byte_dots.h"
#include "tensor/tensor.h"
#include "vectors/scores.h"

namespace e5v::vectors {

/// Upper bounds of the lengths of vectors.
std::vector<float> lengths_of(tensor::ConstMatrix rows_ND);

/// Returns, for each query and any candidate, a bound of the error of a sum of `width` products in f32. In any order of
/// summation it is less than (width + 8) * 2^-24 times the product of the lengths. The 8 is for comparisons in f32.
std::vector<float> float_errors(const std::vector<float>& query_lengths, const std::vector<float>& candidate_lengths,
                                std::int64_t width);

/// Vectors rounded to 8 bits with one scale each, and upper bounds of their rounding errors. They take a quarter of the
/// memory of f32.
class ByteRows {
 public:
  /// Returns whether products with them are faster than in f32 and exact enough: the CPU has AVX2 or better, and
  /// vectors have from 512 to 32768 dimensions.
  static bool serve(tensor::ConstMatrix rows_CD);

  explicit ByteRows(tensor::ConstMatrix rows_CD);

  std::int64_t rows() const { return bytes_.shape()[0]; }
  /// Returns upper bounds of the lengths of the rounding errors [rows].
  const std::vector<float>& lost() const { return lost_; }
  /// Rows [begin, begin + count): i8 [count, D], and their scales.
  tensor::ConstMatrix bytes(std::int64_t begin, std::int64_t count) const;
  std::span<const float> scales(std::int64_t begin, std::int64_t count) const;

 private:
  tensor::Tensor bytes_, scales_;  // i8 [C, D], f32 [C, 1]
  std::vector<float> lost_;
};

/// Dot products of vectors that are rounded to 8 bits (queries to 16 bits if they are few or if the CPU has no 8-bit
/// dot products). They are two to four times as fast as in f32. Their only error is the rounding. Its effect on a
/// product is at most the length of the rounding error of one vector times the length of the other one. Vectors must
/// have a length of about 1, because bounds below 2^-50 would be smaller than the smallest floats.
class ByteScores : public Scores {
 public:
  ByteScores(tensor::ConstMatrix queries_QD, std::shared_ptr<const ByteRows> candidates);

  /// Returns whether it pays to round the candidates for these queries alone: the products take most of the time, and
  /// the rounded candidates take at most a GiB.
  static bool serve(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD);
  /// Returns the screen: the scores with bounds of their errors.
  static Screen screen(tensor::ConstMatrix queries_QD, std::shared_ptr<const ByteRows> candidates,
                       const std::vector<float>& query_lengths, const std::vector<float>& candidate_lengths);

  std::int64_t queries() const override { return queries_.rows; }
  std::int64_t candidates() const override { return candidates_->rows(); }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override;

 private:
  tensor::ConstMatrix queries_;
  std::vector<ops::RoundedVector> rounded_;  // single queries if they are few, because a GEMM would be slower
  std::shared_ptr<const ByteRows> candidates_;
};

}  // namespace e5v::vectors
