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

/// The similarities of all queries and all candidates. They are computed in sections, so that not all are in memory.
class Scores {
 public:
  virtual ~Scores() = default;
  virtual std::int64_t queries() const = 0;
  virtual std::int64_t candidates() const = 0;
  /// Fills out_QC f32 [Q, C] with the similarities of queries [query, query + Q) and candidates [candidate, candidate +
  /// C).
  virtual void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const = 0;
};

/// Approximate similarities that are faster to compute, with bounds of their errors: |fill - exact| <= the query's
/// error + the candidate's error.
struct Screen {
  std::unique_ptr<Scores> scores;
  std::vector<float> query_errors, candidate_errors;
};

/// Similarities that can also be computed exactly, for some pairs. So the order of candidates does not depend on the
/// CPU, the sections and the arithmetic of `fill`.
class ExactScores : public Scores {
 public:
  /// Computes exact similarities. Matches with the same candidate should be adjacent, which is faster.
  virtual void exact(std::span<const Match> matches, std::span<double> scores) const = 0;
  /// Returns the screens, the fastest one first. The last one is always applicable.
  virtual std::vector<Screen> screens() const = 0;
};

class VectorIndex;

/// Dot products of vectors: cosines if the vectors have length 1. Both matrices are f32 [rows, D] and borrowed; they
/// may be mapped files. Exact similarities are summed in double.
class VectorScores : public ExactScores {
 public:
  /// Throws InvalidInput if the widths differ.
  VectorScores(tensor::ConstMatrix queries_QD, tensor::ConstMatrix candidates_CD);
  /// Uses an index of the candidates, which must outlive this object.
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

/// Given similarities: f32 [Q, C], borrowed.
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

/// A section of the similarities: f32 [Q, C] of the queries from `query` on and the candidates from `candidate` on.
struct ScoreBlock {
  std::int64_t query = 0, candidate = 0;
  tensor::Matrix scores_QC;

  float& at(std::int64_t q, std::int64_t c) const { return scores_QC.row<float>(q - query)[c - candidate]; }
};

/// The maximum numbers of queries and candidates of a section: 32 MB of similarities.
inline constexpr std::int64_t kQueryBlock = 1024, kCandidateBlock = 8192;

/// Throws InvalidInput if an index of a match is out of range.
void require_in_range(std::span<const Match> matches, const Scores& scores);

/// Calls `visit` for all sections. Sections with the same queries are adjacent.
void for_each_block(const Scores& scores, const std::function<void(const ScoreBlock&)>& visit);

}  // namespace e5v::vectors
