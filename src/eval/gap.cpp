#include "eval/gap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "eval/logistic.h"
#include "vectors/scores.h"

namespace e5v::eval {
namespace {

constexpr std::int64_t kFolds = 5;
constexpr std::int64_t kMaxPlotted = 1500;  // points of a modality

std::vector<double> mean_row(tensor::ConstMatrix rows) {
  std::vector<double> mean(static_cast<std::size_t>(rows.columns));
  for (std::int64_t i = 0; i < rows.rows; ++i)
    for (std::int64_t d = 0; d < rows.columns; ++d) mean[static_cast<std::size_t>(d)] += rows.row<float>(i)[d];
  for (double& value : mean) value /= static_cast<double>(rows.rows);
  return mean;
}

double squared_distance(const float* a, const float* b, std::int64_t width) {
  double sum = 0;
  for (std::int64_t d = 0; d < width; ++d) sum += (double{a[d]} - b[d]) * (double{a[d]} - b[d]);
  return sum;
}

double uniformity(tensor::ConstMatrix rows) {
  double sum = 0;
  vectors::for_each_block(vectors::VectorScores(rows, rows), [&](const vectors::ScoreBlock& block) {
    for (std::int64_t q = 0; q < block.scores_QC.rows; ++q) {
      const float* scores = block.scores_QC.row<float>(q);
      for (std::int64_t c = 0; c < block.scores_QC.columns; ++c)
        if (block.query + q != block.candidate + c) sum += std::exp(-2 * (2 - 2 * double{scores[c]}));
    }
  });
  const auto count = static_cast<double>(rows.rows);
  return std::log(sum / (count * (count - 1)));
}

/// The rows of both modalities; texts come first.
struct Stacked {
  std::vector<float> values;
  std::vector<int> labels;
  std::int64_t width = 0;

  void add(tensor::ConstMatrix rows, std::int64_t i, int label) {
    values.insert(values.end(), rows.row<float>(i), rows.row<float>(i) + rows.columns);
    labels.push_back(label);
  }
  tensor::ConstMatrix matrix() const {
    return {reinterpret_cast<const std::byte*>(values.data()), tensor::DType::f32,
            static_cast<std::int64_t>(labels.size()), width, width};
  }
};

/// A text and its image are in the same fold, so that the classifier cannot profit from having seen the other one.
double separability(tensor::ConstMatrix texts, tensor::ConstMatrix images) {
  double right = 0;
  for (std::int64_t fold = 0; fold < kFolds; ++fold) {
    Stacked train{{}, {}, texts.columns}, test{{}, {}, texts.columns};
    for (std::int64_t i = 0; i < texts.rows; ++i) {
      Stacked& part = i % kFolds == fold ? test : train;
      part.add(texts, i, 0);
      part.add(images, i, 1);
    }
    const LogisticRegression classifier = LogisticRegression::fit(train.matrix(), train.labels, 2, 1);
    right += classifier.accuracy(test.matrix(), test.labels) * static_cast<double>(test.labels.size());
  }
  return right / static_cast<double>(2 * texts.rows);
}

void orthonormalise(std::vector<double>& a, std::vector<double>& b) {
  const auto dot = [](const std::vector<double>& x, const std::vector<double>& y) {
    double sum = 0;
    for (std::size_t d = 0; d < x.size(); ++d) sum += x[d] * y[d];
    return sum;
  };
  const auto scale = [&](std::vector<double>& v) {
    const double length = std::sqrt(dot(v, v));
    for (double& value : v) value /= std::max(length, 1e-30);
  };
  scale(a);
  const double along = dot(a, b);
  for (std::size_t d = 0; d < a.size(); ++d) b[d] -= along * a[d];
  scale(b);
}

}  // namespace

void require_enough(std::size_t images) {
  constexpr std::size_t kMinimum = 2 * kFolds;
  require(images >= kMinimum, "[gap] {} image{}, expected at least {}", images, images == 1 ? "" : "s", kMinimum);
}

Gap measure_gap(tensor::ConstMatrix texts_ND, tensor::ConstMatrix images_ND) {
  require(texts_ND.rows == images_ND.rows && texts_ND.columns == images_ND.columns,
          "[gap] {} x {} texts and {} x {} images", texts_ND.rows, texts_ND.columns, images_ND.rows, images_ND.columns);
  require_enough(static_cast<std::size_t>(texts_ND.rows));
  Gap gap;
  const std::vector<double> text_mean = mean_row(texts_ND), image_mean = mean_row(images_ND);
  for (std::size_t d = 0; d < text_mean.size(); ++d)
    gap.distance += (text_mean[d] - image_mean[d]) * (text_mean[d] - image_mean[d]);
  gap.distance = std::sqrt(gap.distance);
  for (std::int64_t i = 0; i < texts_ND.rows; ++i)
    gap.alignment += squared_distance(texts_ND.row<float>(i), images_ND.row<float>(i), texts_ND.columns);
  gap.alignment /= static_cast<double>(texts_ND.rows);
  gap.text_uniformity = uniformity(texts_ND);
  gap.image_uniformity = uniformity(images_ND);
  gap.separability = separability(texts_ND, images_ND);
  return gap;
}

std::vector<std::array<double, 2>> principal_plane(tensor::ConstMatrix rows_ND) {
  const std::vector<double> mean = mean_row(rows_ND);
  const auto width = mean.size();
  std::mt19937 random(1);
  std::vector<double> a(width), b(width);
  for (auto* v : {&a, &b})
    for (double& value : *v) value = static_cast<double>(random()) / 4294967296.0 - 0.5;
  orthonormalise(a, b);
  std::vector<std::array<double, 2>> places(static_cast<std::size_t>(rows_ND.rows));
  constexpr int kIterations = 60;  // of the subspace iteration
  for (int iteration = 0; iteration <= kIterations; ++iteration) {
    std::vector<double> next_a(width), next_b(width);
    for (std::int64_t i = 0; i < rows_ND.rows; ++i) {
      const float* row = rows_ND.row<float>(i);
      double along_a = 0, along_b = 0;
      for (std::size_t d = 0; d < width; ++d)
        along_a += (row[d] - mean[d]) * a[d], along_b += (row[d] - mean[d]) * b[d];
      places[static_cast<std::size_t>(i)] = {along_a, along_b};
      for (std::size_t d = 0; d < width; ++d)
        next_a[d] += along_a * (row[d] - mean[d]), next_b[d] += along_b * (row[d] - mean[d]);
    }
    if (iteration == kIterations) break;
    a = std::move(next_a), b = std::move(next_b);
    orthonormalise(a, b);
  }
  return places;
}

Result evaluate_gap(Encoder& encoder, const std::vector<CaptionedImage>& data, const std::string& name,
                    const std::string& text_prompt, const std::string& image_prompt) {
  ItemMaker maker;
  std::vector<Item> texts, images;
  for (const CaptionedImage& entry : data) {
    texts.push_back(ItemMaker::text(entry.captions.front()));
    images.push_back(maker.image(entry.image));
  }
  const tensor::Tensor text_vectors = encoder.embed(texts, text_prompt, "captions"),
                       image_vectors = encoder.embed(images, image_prompt, "images");
  normalize(text_vectors);
  normalize(image_vectors);
  Result result = gap_result(tensor::matrix_of(text_vectors.view()), tensor::matrix_of(image_vectors.view()), name);
  result.facts.emplace_back("prompts", fmt::format("{}, {}", text_prompt, image_prompt));
  return result;
}

Result gap_result(tensor::ConstMatrix t, tensor::ConstMatrix v, const std::string& name) {
  const Gap gap = measure_gap(t, v);
  Result result{.task = "gap",
                .title = fmt::format("Modality gap, {}", name),
                .unit = "vectors of length 1",
                .in_percent = false};
  result.figures = {
      {"distance of the means", gap.distance},
      {.name = "linear separability x 100 (50: no gap)", .value = 100 * gap.separability, .headline = true},
      {"alignment (lower is nearer)", gap.alignment},
      {"uniformity of texts (lower is more even)", gap.text_uniformity},
      {"uniformity of images", gap.image_uniformity}};
  result.facts = {{"images, with their first captions", fmt::format("{}", t.rows)}};
  Stacked both{{}, {}, t.columns};
  const std::int64_t shown = std::min(kMaxPlotted, t.rows);
  for (std::int64_t i = 0; i < shown; ++i) both.add(t, i, 0);
  for (std::int64_t i = 0; i < shown; ++i) both.add(v, i, 1);
  SpacePlot plot{{{"texts", {}}, {"images", {}}}, "first two principal components of all vectors"};
  const auto places = principal_plane(both.matrix());
  for (std::size_t i = 0; i < places.size(); ++i)
    plot.clouds[static_cast<std::size_t>(both.labels[i])].points.emplace_back(places[i][0], places[i][1]);
  result.space = std::move(plot);
  return result;
}

}  // namespace e5v::eval
