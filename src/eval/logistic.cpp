#include "eval/logistic.h"

#include <lbfgs.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "ops/matmul.h"
#include "tensor/arena.h"

namespace e5v::eval {
namespace {

using tensor::DType;

tensor::Matrix matrix_over(std::vector<float>& values, std::int64_t columns) {
  return {reinterpret_cast<std::byte*>(values.data()), DType::f32, static_cast<std::int64_t>(values.size()) / columns,
          columns, columns};
}

/// Computes logits = x W^T + bias.
void logits_of(tensor::ConstMatrix x_ND, std::vector<float>& weights_CD, const std::vector<float>& bias_C,
               tensor::Matrix logits_NC) {
  ops::multiply(x_ND, matrix_over(weights_CD, x_ND.columns), 1, logits_NC, false);
  for (std::int64_t i = 0; i < logits_NC.rows; ++i)
    for (std::int64_t c = 0; c < logits_NC.columns; ++c)
      logits_NC.row<float>(i)[c] += bias_C[static_cast<std::size_t>(c)];
}

/// The objective divided by c and the number of rows, and its gradient. The parameters are W [C, D] and the bias [C].
struct Problem {
  tensor::ConstMatrix x_ND;
  std::span<const int> labels;
  std::int64_t classes;
  double penalty;  // 1 / (c N)
  std::vector<float> weights_CD, bias_C, gradient_CD, logits_NC;

  double evaluate(const double* parameters, double* gradient) {
    const auto size = static_cast<std::ptrdiff_t>(weights_CD.size());
    std::copy_n(parameters, size, weights_CD.begin());
    std::copy_n(parameters + size, classes, bias_C.begin());
    const tensor::Matrix logits = matrix_over(logits_NC, classes);
    logits_of(x_ND, weights_CD, bias_C, logits);
    const double share = 1.0 / static_cast<double>(x_ND.rows);
    std::fill_n(gradient, size + classes, 0.0);
    double loss = 0;
    for (std::int64_t i = 0; i < logits.rows; ++i)
      loss += share * enter_row(logits.row<float>(i), i, share, gradient + size);
    std::ranges::fill(gradient_CD, 0.0f);
    ops::weight_gradient(logits, x_ND, 1, matrix_over(gradient_CD, x_ND.columns));
    for (std::ptrdiff_t k = 0; k < size; ++k) {
      gradient[k] = static_cast<double>(gradient_CD[static_cast<std::size_t>(k)]) + penalty * parameters[k];
      loss += penalty * parameters[k] * parameters[k] / 2;
    }
    return loss;
  }

  /// Replaces logits by their gradient, and returns the cross entropy.
  double enter_row(float* logits, std::int64_t row, double share, double* bias_gradient) const {
    const double highest = *std::max_element(logits, logits + classes);
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(logits[c] - highest);
    const auto label = static_cast<std::int64_t>(labels[static_cast<std::size_t>(row)]);
    const double loss = highest + std::log(sum) - logits[label];
    for (std::int64_t c = 0; c < classes; ++c) {
      const double d = share * (std::exp(logits[c] - highest) / sum - (c == label ? 1 : 0));
      bias_gradient[c] += d;
      logits[c] = static_cast<float>(d);
    }
    return loss;
  }
};

lbfgsfloatval_t evaluate(void* problem, const lbfgsfloatval_t* x, lbfgsfloatval_t* gradient, int, lbfgsfloatval_t) {
  return static_cast<Problem*>(problem)->evaluate(x, gradient);
}

}  // namespace

LogisticRegression LogisticRegression::fit(tensor::ConstMatrix x_ND, std::span<const int> labels, int classes, double c,
                                           const LogisticRegression* start) {
  require(x_ND.rows == static_cast<std::int64_t>(labels.size()) && x_ND.rows > 0,
          "[logistic regression] {} rows and {} labels", x_ND.rows, labels.size());
  require(classes >= 2 && c > 0, "[logistic regression] {} classes and a penalty of 1 / {}", classes, c);
  require(std::ranges::all_of(labels, [&](int label) { return label >= 0 && label < classes; }),
          "[logistic regression] a label is not in [0, {})", classes);
  const auto weights = static_cast<std::size_t>(x_ND.columns * classes), count = static_cast<std::size_t>(classes);
  Problem problem{x_ND,
                  labels,
                  classes,
                  1 / (c * static_cast<double>(x_ND.rows)),
                  std::vector<float>(weights),
                  std::vector<float>(count),
                  std::vector<float>(weights),
                  std::vector<float>(static_cast<std::size_t>(x_ND.rows) * count)};
  std::vector<double> parameters(weights + count, 0.0);
  if (start != nullptr) {
    require(start->weights_CD_.size() == weights && start->bias_C_.size() == count,
            "[logistic regression] the start has {} weights, expected {}", start->weights_CD_.size(), weights);
    std::ranges::copy(start->bias_C_, std::ranges::copy(start->weights_CD_, parameters.begin()).out);
  }
  lbfgs_parameter_t settings;
  lbfgs_parameter_init(&settings);
  settings.epsilon = 1e-5;  // products of floats resolve no more
  settings.past = 5, settings.delta = 1e-7;
  settings.max_iterations = 500;
  const int status =
      lbfgs(static_cast<int>(parameters.size()), parameters.data(), nullptr, evaluate, nullptr, &problem, &settings);
  // A line search that finds no smaller value has reached the resolution of floats, which is no error.
  require<DeviceError>(status != LBFGSERR_OUTOFMEMORY, "[logistic regression] out of memory");
  LogisticRegression result;
  result.width_ = x_ND.columns;
  result.weights_CD_.assign(parameters.begin(), parameters.begin() + static_cast<std::ptrdiff_t>(weights));
  result.bias_C_.assign(parameters.begin() + static_cast<std::ptrdiff_t>(weights), parameters.end());
  return result;
}

std::vector<int> LogisticRegression::predict(tensor::ConstMatrix x_ND) const {
  require(x_ND.columns == width_, "[logistic regression] {} numbers a row, expected {}", x_ND.columns, width_);
  const auto classes = static_cast<std::int64_t>(bias_C_.size());
  std::vector<float> weights = weights_CD_, logits(static_cast<std::size_t>(x_ND.rows * classes));
  const tensor::Matrix logits_NC = matrix_over(logits, classes);
  if (x_ND.rows > 0) logits_of(x_ND, weights, bias_C_, logits_NC);
  std::vector<int> labels;
  for (std::int64_t i = 0; i < x_ND.rows; ++i) {
    const float* row = logits_NC.row<float>(i);
    labels.push_back(static_cast<int>(std::max_element(row, row + classes) - row));
  }
  return labels;
}

double LogisticRegression::accuracy(tensor::ConstMatrix x_ND, std::span<const int> labels) const {
  const std::vector<int> found = predict(x_ND);
  require(found.size() == labels.size(), "[logistic regression] {} rows and {} labels", found.size(), labels.size());
  std::size_t right = 0;
  for (std::size_t i = 0; i < found.size(); ++i) right += found[i] == labels[i];
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

}  // namespace e5v::eval
