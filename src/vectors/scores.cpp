#include "vectors/scores.h"

#include <algorithm>

#include "base/error.h"
#include "ops/dots.h"
#include "ops/matmul.h"
#include "vectors/byte_scores.h"
#include "vectors/vector_index.h"

namespace e5v::vectors {

VectorScores::VectorScores(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD)
    : queries_(queries_QD), candidates_(candidates_CD) {
  require(queries_.columns == candidates_.columns, "[similarity] queries have {} numbers a vector, candidates {}",
          queries_.columns, candidates_.columns);
  require(candidates_.stride == candidates_.columns, "[similarity] candidates lie {} numbers apart, expected {}",
          candidates_.stride, candidates_.columns);
}

VectorScores::VectorScores(tensor::ConstMatrix queries_QD, const VectorIndex& candidates)
    : VectorScores(queries_QD, candidates.vectors()) {
  index_ = &candidates;
}

void VectorScores::fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const {
  // As a weight, though a passing one: its GEMM is the fast one, and reads the candidates where they lie.
  const tensor::ConstMatrix part_CD = candidates_.row_range(candidate, out_QC.columns);
  const tensor::StoredMatrix stored(
      tensor::TensorView{part_CD.data, tensor::DType::f32, {part_CD.rows, part_CD.columns}});
  ops::matmul(queries_.row_range(query, out_QC.rows), ops::Weight({&stored, 1}, ops::Arithmetic::f32), {}, out_QC);
}

void VectorScores::exact(std::span<const Match> matches, std::span<double> scores) const {
  std::vector<ops::RowPair> pairs(matches.size());
  std::ranges::transform(matches, pairs.begin(), [](const Match& m) { return ops::RowPair{m.query, m.candidate}; });
  ops::dots(queries_, candidates_, pairs, scores);
}

std::vector<Screen> VectorScores::screens() const {
  std::vector<Screen> screens;
  const std::vector<float> queries = lengths_of(queries_),
                           candidates = index_ != nullptr ? index_->lengths() : lengths_of(candidates_);
  std::shared_ptr<const ByteRows> bytes = index_ != nullptr ? index_->bytes() : nullptr;
  if (index_ == nullptr && ByteScores::serve(queries_, candidates_))
    bytes = std::make_shared<const ByteRows>(candidates_);
  if (bytes) screens.push_back(ByteScores::screen(queries_, std::move(bytes), queries, candidates));
  screens.push_back({std::make_unique<VectorScores>(*this), float_errors(queries, candidates, queries_.columns),
                     std::vector<float>(candidates.size())});
  return screens;
}

void GivenScores::fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const {
  for (std::int64_t q = 0; q < out_QC.rows; ++q)
    std::copy_n(scores_.row<float>(query + q) + candidate, out_QC.columns, out_QC.row<float>(q));
}

void GivenScores::exact(std::span<const Match> matches, std::span<double> scores) const {
  std::ranges::transform(matches, scores.begin(),
                         [&](const Match& m) { return double{scores_.row<float>(m.query)[m.candidate]}; });
}

std::vector<Screen> GivenScores::screens() const {
  std::vector<Screen> screens;
  screens.push_back({std::make_unique<GivenScores>(*this), std::vector<float>(static_cast<std::size_t>(queries())),
                     std::vector<float>(static_cast<std::size_t>(candidates()))});
  return screens;
}

void require_in_range(std::span<const Match> matches, const Scores& scores) {
  for (const Match& match : matches)
    require(match.query >= 0 && match.query < scores.queries() && match.candidate >= 0 &&
                match.candidate < scores.candidates(),
            "[ranking] query {} and candidate {} are matched, but there are {} and {}", match.query, match.candidate,
            scores.queries(), scores.candidates());
}

void for_each_block(const Scores& scores, const std::function<void(const ScoreBlock&)>& visit) {
  tensor::Arena arena;
  for (std::int64_t q = 0; q < scores.queries(); q += kQueryBlock) {
    for (std::int64_t c = 0; c < scores.candidates(); c += kCandidateBlock) {
      const tensor::Arena::Scope scope(arena);
      const tensor::Matrix block_QC = arena.matrix(tensor::DType::f32, std::min(kQueryBlock, scores.queries() - q),
                                                   std::min(kCandidateBlock, scores.candidates() - c));
      scores.fill(q, c, block_QC);
      visit({q, c, block_QC});
    }
  }
}

}  // namespace e5v::vectors
