#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::vectors {

/// A query and a candidate by their indices.
struct Match {
  std::int64_t query = 0, candidate = 0;
  auto operator<=>(const Match&) const = default;
};

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

/// What stands in for similarities, cheaper to have than they: |fill - exact| <= a query's error + a candidate's.
struct Screen {
  std::unique_ptr<Scores> scores;
  std::vector<float> query_errors, candidate_errors;
};

/// Similarities that are exact when a few of them are asked for, so that an order of all has one meaning, whatever the
/// CPU, the blocks and the arithmetic of `fill`.
class ExactScores : public Scores {
 public:
  /// Matches that have candidates in common should follow each other.
  virtual void exact(std::span<const Match> matches, std::span<double> scores) const = 0;
  /// The cheapest first; the last one serves always.
  virtual std::vector<Screen> screens() const = 0;
};

class VectorIndex;

/// Dot products of vectors: cosines if these have length 1. Both f32 [rows, D], borrowed; they may be mapped files.
/// Exact are sums in double.
class VectorScores : public ExactScores {
 public:
  /// Throws InvalidInput when the widths differ.
  VectorScores(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD);
  /// The same with what was made of the candidates before, which must outlive this.
  VectorScores(tensor::ConstMatrix queries_QD, const VectorIndex& candidates);
  std::int64_t queries() const override { return queries_.rows; }
  std::int64_t candidates() const override { return candidates_.rows; }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override;
  void exact(std::span<const Match> matches, std::span<double> scores) const override;
  std::vector<Screen> screens() const override;

 private:
  tensor::ConstMatrix queries_, candidates_;
  const VectorIndex* index_ = nullptr;
};

/// Similarities that are there already: f32 [Q, C], borrowed.
class GivenScores : public ExactScores {
 public:
  explicit GivenScores(tensor::ConstMatrix scores_QC) : scores_(scores_QC) {}
  std::int64_t queries() const override { return scores_.rows; }
  std::int64_t candidates() const override { return scores_.columns; }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override;
  void exact(std::span<const Match> matches, std::span<double> scores) const override;
  std::vector<Screen> screens() const override;

 private:
  tensor::ConstMatrix scores_;
};

/// A block of similarities: f32 [Q, C] of queries from `query` and candidates from `candidate` on.
struct ScoreBlock {
  std::int64_t query = 0, candidate = 0;
  tensor::Matrix scores_QC;

  float& at(std::int64_t q, std::int64_t c) const { return scores_QC.row<float>(q - query)[c - candidate]; }
};

/// Queries and candidates of a block: 32 MB of similarities.
inline constexpr std::int64_t kQueryBlock = 1024, kCandidateBlock = 8192;

/// Throws InvalidInput when a match is of no query or candidate.
void require_in_range(std::span<const Match> matches, const Scores& scores);

/// Hands out the blocks, those of the same queries one after another.
void for_each_block(const Scores& scores, const std::function<void(const ScoreBlock&)>& visit);

}  // namespace e5v::vectors
