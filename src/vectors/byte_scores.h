#pragma once
#include <span>
#include <vector>

#include "tensor/stored_matrix.h"
#include "tensor/tensor.h"
#include "vectors/scores.h"

namespace e5v::vectors {

/// Upper bounds of the lengths of vectors.
struct VectorLengths {
  std::vector<float> queries, candidates;
};
std::vector<float> lengths_of(tensor::ConstMatrix rows_ND);

/// What a sum of `width` products in f32 may be off by for each query, and any candidate: in whatever order it is
/// taken, less than width + 8 times 2^-24 of the product of the lengths. The 8 is for comparisons in f32.
std::vector<float> float_errors(const VectorLengths& lengths, std::int64_t width);

/// Dot products of vectors that are rounded to 8 bits (queries to 16, where the CPU multiplies these): four times as
/// fast as in f32, or twice, and exact but for the rounding, whose part in a product is at most the length of what was
/// taken from one vector times the length of the other. Vectors are of about length 1: bounds of rows below 2^-50 would
/// be lost among the smallest floats.
class ByteScores : public Scores {
 public:
  /// Whether that is worth its while here: the CPU has AVX2 or better, the products are most of the work, and the
  /// candidates' bytes are a GiB at most.
  static bool serve(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD);
  static Screen screen(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD, const VectorLengths& lengths);

  std::int64_t queries() const override { return queries_.rows; }
  std::int64_t candidates() const override { return bytes_.shape()[0]; }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override;

 private:
  ByteScores(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD);
  tensor::StoredMatrix rounded(std::int64_t begin, std::int64_t count) const;
  /// What rounding has taken from each candidate.
  std::vector<float> lost_candidates(tensor::ConstMatrix candidates_CD) const;

  tensor::ConstMatrix queries_;
  tensor::Tensor bytes_, scales_;  // of the candidates: i8 [C, D], f32 [C, 1]
};

}  // namespace e5v::vectors
