#include "eval/scores.h"

#include <algorithm>

#include "base/error.h"
#include "ops/matmul.h"

namespace e5v::eval {

VectorScores::VectorScores(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD)
    : queries_(queries_QD), candidates_(candidates_CD) {
  require(queries_.columns == candidates_.columns, "[similarity] queries have {} numbers a vector, candidates {}",
          queries_.columns, candidates_.columns);
  require(candidates_.stride == candidates_.columns, "[similarity] candidates lie {} numbers apart, expected {}",
          candidates_.stride, candidates_.columns);
}

void VectorScores::fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const {
  // As a weight, though a passing one: its GEMM is the fast one, and reads the candidates where they lie.
  const tensor::ConstMatrix part_CD = candidates_.row_range(candidate, out_QC.columns);
  const tensor::StoredMatrix stored(
      tensor::TensorView{part_CD.data, tensor::DType::f32, {part_CD.rows, part_CD.columns}});
  ops::matmul(queries_.row_range(query, out_QC.rows), ops::Weight({&stored, 1}, ops::Arithmetic::f32), {}, out_QC);
}

void GivenScores::fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const {
  for (std::int64_t q = 0; q < out_QC.rows; ++q)
    std::copy_n(scores_.row<float>(query + q) + candidate, out_QC.columns, out_QC.row<float>(q));
}

void for_each_block(const Scores& scores, const std::function<void(const ScoreBlock&)>& visit,
                    const std::function<bool(std::int64_t query, std::int64_t candidate)>& wanted) {
  tensor::Arena arena;
  for (std::int64_t q = 0; q < scores.queries(); q += kQueryBlock) {
    for (std::int64_t c = 0; c < scores.candidates(); c += kCandidateBlock) {
      if (wanted && !wanted(q, c)) continue;
      const tensor::Arena::Scope scope(arena);
      const tensor::Matrix block_QC = arena.matrix(tensor::DType::f32, std::min(kQueryBlock, scores.queries() - q),
                                                   std::min(kCandidateBlock, scores.candidates() - c));
      scores.fill(q, c, block_QC);
      visit({q, c, block_QC});
    }
  }
}

}  // namespace e5v::eval
