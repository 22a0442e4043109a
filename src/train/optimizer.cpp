#include "train/optimizer.h"

#include <cmath>

#include "base/error.h"
#include "ops/rows.h"
#include "train/muon.h"

namespace e5v::train {
namespace {

void require_gradients(std::span<const TrainedSpan> tensors, const char* where) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    require(tensors[i].gradient.size() == tensors[i].values.size(), "[{}] tensor {} has {} values, its gradient {}",
            where, i, tensors[i].values.size(), tensors[i].gradient.size());
  }
}

ops::AdamWFactors factors_of(const OptimizerOptions& options, double learning_rate, double step) {
  ops::AdamWFactors factors;
  factors.keep = static_cast<float>(1 - learning_rate * options.weight_decay);
  factors.one_minus_beta1 = static_cast<float>(1 - options.beta1);
  factors.beta2 = static_cast<float>(options.beta2);
  factors.one_minus_beta2 = static_cast<float>(1 - options.beta2);
  factors.correction2 = static_cast<float>(std::sqrt(1 - std::pow(options.beta2, step)));
  factors.epsilon = static_cast<float>(options.epsilon);
  factors.size = static_cast<float>(learning_rate / (1 - std::pow(options.beta1, step)));
  return factors;
}

void require_lengths(const std::vector<std::vector<float>>& found, const std::vector<std::vector<float>>& expected) {
  require(found.size() == expected.size(), "[optimizer] state of {} tensors, expected {}", found.size(),
          expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    require(found[i].size() == expected[i].size(), "[optimizer] state of tensor {} has {} values, expected {}", i,
            found[i].size(), expected[i].size());
  }
}

}  // namespace

double clip_gradients(std::span<const TrainedSpan> tensors, double max_norm) {
  require(max_norm > 0, "[clip_gradients] expected a norm above 0, found {}", max_norm);
  require_gradients(tensors, "clip_gradients");
  if (tensors.empty()) return 0;
  const tensor::Place place = tensors.front().place;
  std::vector<std::span<float>> gradients;
  for (const TrainedSpan& tensor : tensors) gradients.push_back(tensor.gradient);
  const double norm =
      std::sqrt(ops::square_sum(std::vector<std::span<const float>>(gradients.begin(), gradients.end()), place));
  const auto factor = static_cast<float>(max_norm / (norm + 1e-6));
  if (factor >= 1) return norm;
  ops::scale(gradients, factor, place);
  return norm;
}

Optimizer::Optimizer(std::span<const TrainedSpan> tensors, const OptimizerOptions& options)
    : options_(options), place_(tensors.empty() ? tensor::Place::host : tensors.front().place), arena_(place_) {
  for (const double beta : {options.beta1, options.beta2}) {
    require(beta >= 0 && beta < 1, "[optimizer] expected betas in [0, 1), found {}", beta);
  }
  require(options.epsilon >= 0, "[optimizer] expected an epsilon of 0 or more, found {}", options.epsilon);
  require(options.weight_decay >= 0, "[optimizer] expected a weight decay of 0 or more, found {}",
          options.weight_decay);
  const auto zeros = [&](std::size_t size) {
    tensor::Tensor tensor(tensor::DType::f32, {static_cast<std::int64_t>(size)}, place_);
    ops::fill(matrix_of(tensor), 0);
    return tensor;
  };
  for (const TrainedSpan& tensor : tensors) {
    const std::size_t size = tensor.values.size(), squares = is_muon(tensor) ? 0 : size;
    state_.mean.emplace_back(size);
    state_.square.emplace_back(squares);
    if (place_ == tensor::Place::host) continue;
    mean_.push_back(zeros(size));
    square_.push_back(zeros(squares));
  }
}

const OptimizerState& Optimizer::state() const {
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    ops::copy(mean_[i].as<float>(), place_, state_.mean[i], tensor::Place::host);
    ops::copy(square_[i].as<float>(), place_, state_.square[i], tensor::Place::host);
  }
  return state_;
}

void Optimizer::step_by_adamw(std::span<const TrainedSpan> tensors, double learning_rate) {
  std::vector<ops::AdamWTensor> trained;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (is_muon(tensors[i])) continue;
    trained.push_back({tensors[i].values, tensors[i].gradient, mean(i), square(i), place_});
  }
  ops::adamw(factors_of(options_, learning_rate, static_cast<double>(state_.step)), trained);
}

void Optimizer::step_by_muon(std::span<const TrainedSpan> tensors, double learning_rate,
                             const processes::Group& group) {
  std::vector<MuonMatrix> matrices;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TrainedSpan& t = tensors[i];
    if (!is_muon(t)) continue;
    const auto as_matrix = [&](float* data) {
      const std::int64_t columns = static_cast<std::int64_t>(t.values.size()) / t.rows;
      return tensor::Matrix{reinterpret_cast<std::byte*>(data), tensor::DType::f32, t.rows, columns, columns, t.place};
    };
    matrices.push_back({as_matrix(t.values.data()), as_matrix(t.gradient.data()), as_matrix(mean(i).data())});
  }
  muon_step(matrices, learning_rate, options_.weight_decay, arena_, group);
}

void Optimizer::step(std::span<const TrainedSpan> tensors, double learning_rate, const processes::Group& group) {
  require(tensors.size() == state_.mean.size(), "[optimizer] {} tensors, expected {}", tensors.size(),
          state_.mean.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    require(tensors[i].values.size() == state_.mean[i].size(), "[optimizer] tensor {} has {} values, expected {}", i,
            tensors[i].values.size(), state_.mean[i].size());
    require(tensors[i].place == place_, "[optimizer] tensor {} and its averages are in different places", i);
  }
  require_gradients(tensors, "optimizer");
  ++state_.step;
  if (options_.muon) step_by_muon(tensors, learning_rate, group);
  step_by_adamw(tensors, learning_rate);
}

void Optimizer::restore(OptimizerState state) {
  require(state.step >= 0, "[optimizer] expected a number of steps of 0 or more, found {}", state.step);
  require_lengths(state.mean, state_.mean);
  require_lengths(state.square, state_.square);
  state_ = std::move(state);
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    ops::copy(state_.mean[i], tensor::Place::host, mean_[i].as<float>(), place_);
    ops::copy(state_.square[i], tensor::Place::host, square_[i].as<float>(), place_);
  }
}

}  // namespace e5v::train
