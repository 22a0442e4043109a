// Legend: N vectors, I images, D width, K topics.
#include <cmath>
#include <memory>
#include <numeric>
#include <random>

#include "base/parallel.h"
#include "ops/matmul.h"
#include "tensor/tensor.h"
#include "vectors/ranking.h"
#include "workloads.h"

namespace e5v::bench {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;

constexpr std::int64_t kCaptions = 5;  // per image
constexpr std::int64_t kTopics = 64;

/// Adds normal numbers to rows, with a seed for each row, so that the number of threads does not matter. Column k is
/// scaled by scales[k], or all columns by scales[0].
void add_normal(Matrix x_ND, const std::vector<float>& scales, unsigned seed) {
  parallel_for(x_ND.rows, 16, [&](std::int64_t i) {
    std::mt19937 random(seed + static_cast<unsigned>(i));
    std::normal_distribution<float> normal;
    for (std::int64_t d = 0; d < x_ND.columns; ++d)
      x_ND.row<float>(i)[d] += normal(random) * (scales.size() == 1 ? scales[0] : scales[static_cast<std::size_t>(d)]);
  });
}

Tensor zeros(std::int64_t rows, std::int64_t columns) {
  Tensor tensor(DType::f32, {rows, columns});
  std::ranges::fill(tensor.as<float>(), 0.0f);
  return tensor;
}

/// The part of each topic in vectors, the first ones largest. The sum of squares is that of `length`.
std::vector<float> topic_scales(float length) {
  std::vector<float> scales(kTopics);
  float sum = 0;
  for (std::size_t k = 0; k < scales.size(); ++k) sum += scales[k] = std::pow(static_cast<float>(k + 1), -0.8f);
  for (float& scale : scales) scale = length * std::sqrt(scale / sum);
  return scales;
}

/// Vectors of length 1 like those of a language model. They share a direction, in which a few entries are large, and
/// differ in their topics and in noise.
Tensor vectors(const Tensor& topics_NK, const Tensor& basis_DK, unsigned seed) {
  constexpr float kOutlier = 0.25f, kCommon = 0.12f, kNoise = 0.5f;
  const std::int64_t D = basis_DK.shape()[0];
  const float share = 1 / std::sqrt(static_cast<float>(D));
  Tensor vectors = zeros(topics_NK.shape()[0], D);
  const Matrix vectors_ND = tensor::matrix_of(vectors);
  add_normal(vectors_ND, {kNoise * share}, seed);
  ops::multiply(tensor::matrix_of(topics_NK), tensor::matrix_of(basis_DK), share, vectors_ND, true);
  parallel_for(vectors_ND.rows, 16, [&](std::int64_t i) {
    const std::span<float> row(vectors_ND.row<float>(i), static_cast<std::size_t>(D));
    for (std::size_t d = 0; d < row.size(); ++d) row[d] += d < 4 ? kOutlier : kCommon * share;
    const float length = std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0f));
    for (float& number : row) number /= length;
  });
  return vectors;
}

/// Images with five captions each. The topics of a caption are those of the image plus a deviation.
struct CaptionedVectors {
  Tensor texts, images;
  vectors::Relation relation;

  CaptionedVectors(std::int64_t I, std::int64_t D) {
    constexpr float kTopicLength = 0.7f, kDeviation = 0.68f;
    Tensor basis_DK = zeros(D, kTopics), topics_IK = zeros(I, kTopics), topics_NK(DType::f32, {kCaptions * I, kTopics});
    add_normal(tensor::matrix_of(basis_DK), {1}, 1'000'000);
    add_normal(tensor::matrix_of(topics_IK), topic_scales(kTopicLength), 2'000'000);
    for (std::int64_t n = 0; n < kCaptions * I; ++n) {
      relation.positives.push_back({n, n / kCaptions});
      std::copy_n(tensor::matrix_of(topics_IK).row<float>(n / kCaptions), kTopics,
                  tensor::matrix_of(topics_NK).row<float>(n));
    }
    add_normal(tensor::matrix_of(topics_NK), topic_scales(kDeviation), 3'000'000);
    texts = vectors(topics_NK, basis_DK, 4'000'000);
    images = vectors(topics_IK, basis_DK, 5'000'000);
  }
};

}  // namespace

Workload retrieval(bool quick) {
  const std::int64_t I = quick ? 100 : 5'000, D = quick ? 64 : 4'096;
  const auto made = std::make_shared<CaptionedVectors>(I, D);
  const auto pairs = static_cast<double>(kCaptions * I * I);
  return {"retrieval", "pairs", pairs, 2 * pairs * static_cast<double>(D), [made] {
            const vectors::VectorScores scores(tensor::matrix_of(made->texts), tensor::matrix_of(made->images));
            const vectors::Ranking ranking = vectors::rank_positives(scores, made->relation);
            const double recall = vectors::recall_at(ranking.of_queries, 1).pessimistic;
            require(recall > 0.5 && recall < 1, "[bench] R@1 of made vectors is {}, expected 0.5 to 1", recall);
          }};
}

}  // namespace e5v::bench
