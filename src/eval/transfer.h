#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "eval/encoder.h"
#include "eval/result.h"
#include "eval/transfer_data.h"
#include "tensor/matrix.h"

namespace e5v::eval {

/// Vectors and their classes.
struct LabelledVectors {
  tensor::ConstMatrix x_ND;
  std::span<const int> labels;
};

/// How much of a classifier's weights is believed is chosen by held-out items. All give accuracies x 100, rounded to
/// two decimals where SentEval rounds; check_stop, if any, is called between fits and may throw. Source: SentEval,
/// tools/validation.py, with scikit-learn's logistic regression.
struct Validation {
  int folds = 10;
  std::function<void()> check_stop = nullptr;

  /// Of data without a test set: the mean over folds, for each of which another cross-validation inside the rest
  /// chooses among penalties 2^-2 ... 2^3.
  double nested(const LabelledVectors& data, int classes) const;
  /// Of a test set; cross-validation of the training set chooses among 2^-1 ... 2^5.
  double crossed(const LabelledVectors& train, const LabelledVectors& test, int classes) const;
  /// Of a test set; a development set chooses among 2^-2 ... 2^3.
  double split(const LabelledVectors& train, const LabelledVectors& dev, const LabelledVectors& test,
               int classes) const;
};

struct TransferOptions {
  std::string prompt = "sts";
  int folds = 10;
};

/// Accuracies of linear classifiers over the model's vectors, not normalised; of a pair u, v over |u - v| and u * v.
/// And the mean of the tasks.
Result evaluate_transfer(Encoder& encoder, const std::vector<TransferTask>& tasks, const TransferOptions& options);

}  // namespace e5v::eval
