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

/// Held-out items choose the penalty of a classifier. All functions return accuracies x 100, rounded to two decimals
/// where SentEval rounds. check_stop, if any, is called between fits and may throw. Source: SentEval,
/// tools/validation.py, with scikit-learn's logistic regression.
struct Validation {
  int folds = 10;
  std::function<void()> check_stop = nullptr;

  /// For data without a test set: the mean accuracy over folds. For each fold, a cross-validation of the other items
  /// chooses among penalties 2^-2 ... 2^3.
  double nested(const LabelledVectors& data, int classes) const;
  /// The accuracy on a test set. A cross-validation of the training set chooses among 2^-1 ... 2^5.
  double crossed(const LabelledVectors& train, const LabelledVectors& test, int classes) const;
  /// The accuracy on a test set. A development set chooses among 2^-2 ... 2^3.
  double split(const LabelledVectors& train, const LabelledVectors& dev, const LabelledVectors& test,
               int classes) const;
};

struct TransferOptions {
  std::string prompt = "sts";
  int folds = 10;
};

/// Accuracies of linear classifiers and their mean. A sentence's features are its vector, not normalised; those of a
/// pair u, v are |u - v| and u * v.
Result evaluate_transfer(Encoder& encoder, const std::vector<TransferTask>& tasks, const TransferOptions& options);

}  // namespace e5v::eval
