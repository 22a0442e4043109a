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

/// What a sum of `width` products in f32 may be off by for each query, and any candidate: in whatever order it is
/// taken, less than width + 8 times 2^-24 of the product of the lengths. The 8 is for comparisons in f32.
std::vector<float> float_errors(const std::vector<float>& query_lengths, const std::vector<float>& candidate_lengths,
                                std::int64_t width);

/// Vectors rounded to 8 bits with a scale for each, and upper bounds of what rounding has taken from each. A quarter of
/// the memory of f32.
class ByteRows {
 public:
  /// Whether products with them are faster than those in f32 here, and exact enough: the CPU has AVX2 or better, and
  /// vectors have from 512 to 32768 numbers.
  static bool serve(tensor::ConstMatrix rows_CD);

  explicit ByteRows(tensor::ConstMatrix rows_CD);

  std::int64_t rows() const { return bytes_.shape()[0]; }
  /// The lengths of what was taken from the vectors [rows].
  const std::vector<float>& lost() const { return lost_; }
  /// Rows [begin, begin + count): i8 [count, D], and their scales.
  tensor::ConstMatrix bytes(std::int64_t begin, std::int64_t count) const;
  std::span<const float> scales(std::int64_t begin, std::int64_t count) const;

 private:
  tensor::Tensor bytes_, scales_;  // i8 [C, D], f32 [C, 1]
  std::vector<float> lost_;
};

/// Dot products of vectors that are rounded to 8 bits (queries to 16, where they are few or the CPU multiplies these):
/// four times as fast as in f32, or twice, and exact but for the rounding, whose part in a product is at most the
/// length of what was taken from one vector times the length of the other. Vectors are of about length 1: bounds of
/// rows below 2^-50 would be lost among the smallest floats.
class ByteScores : public Scores {
 public:
  ByteScores(tensor::ConstMatrix queries_QD, std::shared_ptr<const ByteRows> candidates);

  /// Whether candidates are worth being rounded for these queries alone: the products are most of the work, and the
  /// candidates' bytes are a GiB at most.
  static bool serve(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD);
  /// With the bounds of its errors.
  static Screen screen(tensor::ConstMatrix queries_QD, std::shared_ptr<const ByteRows> candidates,
                       const std::vector<float>& query_lengths, const std::vector<float>& candidate_lengths);

  std::int64_t queries() const override { return queries_.rows; }
  std::int64_t candidates() const override { return candidates_->rows(); }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override;

 private:
  tensor::ConstMatrix queries_;
  std::vector<ops::RoundedVector> rounded_;  // queries one by one, while they are few: then the GEMM would not pay
  std::shared_ptr<const ByteRows> candidates_;
};

}  // namespace e5v::vectors
