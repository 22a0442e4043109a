// Legend: N items, D features of an item.
#include "eval/transfer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/parallel.h"
#include "eval/folds.h"
#include "eval/logistic.h"
#include "tensor/tensor.h"

namespace e5v::eval {
namespace {

constexpr std::uint32_t kSeed = 1111;  // SentEval's

double rounded(double value) { return std::round(value * 100) / 100; }

/// The numbers 2^first, ..., 2^last.
std::vector<double> powers(int first, int last) {
  std::vector<double> values;
  for (int power = first; power <= last; ++power) values.push_back(std::ldexp(1.0, power));
  return values;
}

/// A copy of some of the rows.
struct Part {
  tensor::Tensor x_ND;
  std::vector<int> labels;

  Part(const LabelledVectors& data, const std::vector<std::int64_t>& rows)
      : x_ND(tensor::DType::f32, {static_cast<std::int64_t>(rows.size()), data.x_ND.columns}) {
    float* to = x_ND.as<float>().data();
    for (const std::int64_t row : rows) {
      to = std::copy_n(data.x_ND.row<float>(row), data.x_ND.columns, to);
      labels.push_back(data.labels[static_cast<std::size_t>(row)]);
    }
  }
  LabelledVectors view() const { return {tensor::matrix_of(x_ND.view()), labels}; }
};

/// The items outside of a fold, and the items inside.
std::pair<Part, Part> halves(const LabelledVectors& data, const std::vector<int>& folds, int fold) {
  std::vector<std::int64_t> train, test;
  for (std::size_t i = 0; i < folds.size(); ++i)
    (folds[i] == fold ? test : train).push_back(static_cast<std::int64_t>(i));
  return {Part(data, train), Part(data, test)};
}

/// Fits classifiers to one training set. Each fit begins at the result of the previous one.
class Fitting {
 public:
  Fitting(const LabelledVectors& train, int classes) : train_(train), classes_(classes) {}

  /// The accuracy under a penalty of 1 / c. For two classes, scikit-learn fits one vector w, where this fits w / 2 and
  /// -w / 2. Their squares sum to half of the square of w, so the data have half the weight, too.
  double score(const LabelledVectors& test, double c) {
    last_ = LogisticRegression::fit(train_.x_ND, train_.labels, classes_, classes_ == 2 ? c / 2 : c,
                                    last_ ? &*last_ : nullptr);
    return last_->accuracy(test.x_ND, test.labels);
  }

 private:
  LabelledVectors train_;
  int classes_;
  std::optional<LogisticRegression> last_;
};

/// The value with the highest score; the first one of equals.
double best_of(const std::vector<double>& values, const std::vector<double>& scores) {
  return values[static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin())];
}

/// The penalty with the highest accuracy in a cross-validation.
double choose(const Validation& validation, const LabelledVectors& data, int classes,
              const std::vector<double>& penalties) {
  const std::vector<int> folds = stratified_folds(data.labels, validation.folds, kSeed);
  const std::size_t P = penalties.size();
  std::vector<double> scores(static_cast<std::size_t>(validation.folds) * P);
  if (validation.check_stop) validation.check_stop();
  // Each thread computes a fold, because a fit is too small for several threads.
  parallel_for(validation.folds, 1, [&](std::int64_t fold) {
    const auto [train, test] = halves(data, folds, static_cast<int>(fold));
    Fitting fitting(train.view(), classes);
    for (std::size_t p = 0; p < P; ++p)
      scores[static_cast<std::size_t>(fold) * P + p] = fitting.score(test.view(), penalties[p]);
  });
  std::vector<double> means(P, 0.0);
  for (std::size_t i = 0; i < scores.size(); ++i) means[i % P] += scores[i];
  for (double& mean : means) mean = rounded(100 * mean / validation.folds);
  return best_of(penalties, means);
}

/// The features of items: the vector of a sentence; |u - v| and u * v of a pair with vectors u, v.
tensor::Tensor features(Encoder& encoder, const LabelledTexts& texts, const std::string& prompt,
                        const std::string& what) {
  std::vector<Item> items;
  for (const auto* side : {&texts.first, &texts.second})
    for (const std::string& text : *side) items.push_back(ItemMaker::text(text));
  tensor::Tensor vectors = encoder.embed(items, prompt, what);
  if (texts.second.empty()) return vectors;
  const auto N = static_cast<std::int64_t>(texts.size()), D = encoder.width();
  tensor::Tensor pairs(tensor::DType::f32, {N, 2 * D});
  const tensor::Matrix from = tensor::matrix_of(vectors), to = tensor::matrix_of(pairs);
  for (std::int64_t i = 0; i < N; ++i) {
    const float *u = from.row<float>(i), *v = from.row<float>(N + i);
    float* row = to.row<float>(i);
    for (std::int64_t d = 0; d < D; ++d) row[d] = std::abs(u[d] - v[d]), row[D + d] = u[d] * v[d];
  }
  return pairs;
}

double accuracy(Encoder& encoder, const TransferTask& task, const std::string& prompt, const Validation& validation) {
  const auto vectors_of = [&](const LabelledTexts& part, const char* name) {
    return features(encoder, part, prompt, fmt::format("{} {}", task.name, name));
  };
  const auto data = [](const tensor::Tensor& x, const LabelledTexts& texts) {
    return LabelledVectors{tensor::matrix_of(x.view()), texts.labels};
  };
  const tensor::Tensor train = vectors_of(task.train, "train");
  if (task.test.size() == 0) return validation.nested(data(train, task.train), task.classes);
  const tensor::Tensor test = vectors_of(task.test, "test");
  if (task.dev.size() == 0) return validation.crossed(data(train, task.train), data(test, task.test), task.classes);
  const tensor::Tensor dev = vectors_of(task.dev, "dev");
  return validation.split(data(train, task.train), data(dev, task.dev), data(test, task.test), task.classes);
}

}  // namespace

double Validation::nested(const LabelledVectors& data, int classes) const {
  const std::vector<int> assigned = stratified_folds(data.labels, folds, kSeed);
  double sum = 0;
  for (int fold = 0; fold < folds; ++fold) {
    const auto [train, test] = halves(data, assigned, fold);
    const double c = choose(*this, train.view(), classes, powers(-2, 3));
    sum += rounded(100 * Fitting(train.view(), classes).score(test.view(), c));
  }
  return rounded(sum / folds);
}

double Validation::crossed(const LabelledVectors& train, const LabelledVectors& test, int classes) const {
  return rounded(100 * Fitting(train, classes).score(test, choose(*this, train, classes, powers(-1, 5))));
}

double Validation::split(const LabelledVectors& train, const LabelledVectors& dev, const LabelledVectors& test,
                         int classes) const {
  const std::vector<double> penalties = powers(-2, 3);
  std::vector<double> scores;
  Fitting fitting(train, classes);
  for (const double c : penalties) {
    if (check_stop) check_stop();
    scores.push_back(rounded(100 * fitting.score(dev, c)));
  }
  return rounded(100 * Fitting(train, classes).score(test, best_of(penalties, scores)));
}

Result evaluate_transfer(Encoder& encoder, const std::vector<TransferTask>& tasks, const TransferOptions& options) {
  Result result{.task = "transfer", .title = "Classification of sentences", .unit = "accuracy x 100"};
  const Validation validation{options.folds, encoder.hooks().check_stop};
  for (const TransferTask& task : tasks)
    if (task.dev.size() == 0)
      stratified_folds(task.train.labels, options.folds, kSeed);  // throws before anything is computed
  double sum = 0;
  std::size_t items = 0;
  for (const TransferTask& task : tasks) {
    log_info("{}: {} items to embed and classify", task.name, task.train.size() + task.dev.size() + task.test.size());
    result.figures.push_back({task.name, accuracy(encoder, task, options.prompt, validation)});
    sum += result.figures.back().value;
    items += task.train.size() + task.dev.size() + task.test.size();
  }
  if (tasks.size() > 1)
    result.figures.push_back(
        {.name = "mean", .value = rounded(sum / static_cast<double>(tasks.size())), .headline = true});
  result.facts = {{"items", fmt::format("{}", items)},
                  {"prompt", options.prompt},
                  {"classifier", fmt::format("logistic regression, {} folds", options.folds)}};
  return result;
}

}  // namespace e5v::eval
