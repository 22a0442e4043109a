#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::eval {

/// Similarities of all queries with all candidates, of which only a block is ever in memory.
class Scores {
 public:
  virtual ~Scores() = default;
  virtual std::int64_t queries() const = 0;
  virtual std::int64_t candidates() const = 0;
  /// Fills out_QC f32 [Q, C] with the similarities of queries [query, query + Q) and candidates [candidate,
  /// candidate + C).
  virtual void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const = 0;
};

/// Dot products of vectors: cosines if these have length 1. Both f32 [rows, D], borrowed; they may be mapped files.
class VectorScores : public Scores {
 public:
  /// Throws InvalidInput when the widths differ.
  VectorScores(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD);
  std::int64_t queries() const override { return queries_.rows; }
  std::int64_t candidates() const override { return candidates_.rows; }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override;

 private:
  tensor::ConstMatrix queries_, candidates_;
};

/// Similarities that are there already: f32 [Q, C], borrowed.
class GivenScores : public Scores {
 public:
  explicit GivenScores(tensor::ConstMatrix scores_QC) : scores_(scores_QC) {}
  std::int64_t queries() const override { return scores_.rows; }
  std::int64_t candidates() const override { return scores_.columns; }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override;

 private:
  tensor::ConstMatrix scores_;
};

/// A block of similarities: f32 [Q, C] of queries from `query` and candidates from `candidate` on.
struct ScoreBlock {
  std::int64_t query = 0, candidate = 0;
  tensor::Matrix scores_QC;

  float& at(std::int64_t q, std::int64_t c) const { return scores_QC.row<float>(q - query)[c - candidate]; }
};

/// Queries and candidates of a block: 8 MB of similarities.
inline constexpr std::int64_t kQueryBlock = 512, kCandidateBlock = 4096;

/// Hands out the blocks, those of the same queries one after another. `wanted` may leave blocks out, given their first
/// query and candidate.
void for_each_block(const Scores& scores, const std::function<void(const ScoreBlock&)>& visit,
                    const std::function<bool(std::int64_t query, std::int64_t candidate)>& wanted = nullptr);

}  // namespace e5v::eval
