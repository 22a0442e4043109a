#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "ops/backend.h"
#include "ops/rows.h"
#include "train/muon.h"

namespace e5v::train {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 14;

/// A piece of a tensor that one thread takes.
struct Chunk {
  std::size_t tensor, begin, size;
};

std::vector<Chunk> chunks_of(std::span<const TrainedSpan> tensors, const char* where) {
  std::vector<Chunk> chunks;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::size_t size = tensors[i].values.size();
    require(tensors[i].gradient.size() == size, "[{}] tensor {} has {} values, its gradient {}", where, i, size,
            tensors[i].gradient.size());
    for (std::size_t begin = 0; begin < size; begin += kChunk) {
      chunks.push_back({i, begin, std::min(kChunk, size - begin)});
    }
  }
  return chunks;
}

template <class Body>
void for_each(const std::vector<Chunk>& chunks, const Body& body) {
  parallel_for(static_cast<std::int64_t>(chunks.size()), 1, [&](std::int64_t i) { body(static_cast<std::size_t>(i)); });
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

void update(const ops::AdamWFactors& f, const TrainedSpan& tensor, std::span<float> mean, std::span<float> square) {
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const float gradient = tensor.gradient[i];
    mean[i] += f.one_minus_beta1 * (gradient - mean[i]);
    square[i] = f.beta2 * square[i] + f.one_minus_beta2 * gradient * gradient;
    const float root = std::sqrt(square[i]) / f.correction2 + f.epsilon;
    tensor.values[i] = f.keep * tensor.values[i] - f.size * mean[i] / root;
  }
}

void require_lengths(const std::vector<std::vector<float>>& found, const std::vector<std::vector<float>>& expected) {
  require(found.size() == expected.size(), "[optimizer] state of {} tensors, expected {}", found.size(),
          expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    require(found[i].size() == expected[i].size(), "[optimizer] state of tensor {} has {} values, expected {}", i,
            found[i].size(), expected[i].size());
  }
}

double clip_on_device(std::span<const TrainedSpan> tensors, double max_norm) {
  std::vector<std::span<const float>> gradients;
  for (const TrainedSpan& tensor : tensors) gradients.emplace_back(tensor.gradient);
  const double norm = std::sqrt(ops::backend().square_sum(gradients));
  const auto factor = static_cast<float>(max_norm / (norm + 1e-6));
  if (factor >= 1) return norm;
  for (const TrainedSpan& tensor : tensors) {
    ops::backend().scale(tensor.gradient.data(), static_cast<std::int64_t>(tensor.gradient.size()), factor);
  }
  return norm;
}

void copy_floats(const tensor::Tensor& from, std::span<float> to) {
  tensor::device().copy(from.data(), tensor::Place::device, reinterpret_cast<std::byte*>(to.data()),
                        tensor::Place::host, to.size_bytes());
}

void copy_floats(std::span<const float> from, const tensor::Tensor& to) {
  tensor::device().copy(reinterpret_cast<const std::byte*>(from.data()), tensor::Place::host, to.data(),
                        tensor::Place::device, from.size_bytes());
}

}  // namespace

double clip_gradients(std::span<const TrainedSpan> tensors, double max_norm) {
  require(max_norm > 0, "[clip_gradients] expected a norm above 0, found {}", max_norm);
  const std::vector<Chunk> chunks = chunks_of(tensors, "clip_gradients");
  if (!tensors.empty() && tensors.front().place == tensor::Place::device) return clip_on_device(tensors, max_norm);
  const auto gradient_of = [&](const Chunk& chunk) {
    return tensors[chunk.tensor].gradient.subspan(chunk.begin, chunk.size);
  };
  std::vector<double> sums(chunks.size());
  for_each(chunks, [&](std::size_t i) {
    for (const double value : gradient_of(chunks[i])) sums[i] += value * value;
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  const double norm = std::sqrt(sum);
  const auto factor = static_cast<float>(max_norm / (norm + 1e-6));
  if (factor >= 1) return norm;
  for_each(chunks, [&](std::size_t i) {
    for (float& value : gradient_of(chunks[i])) value *= factor;
  });
  return norm;
}

Optimizer::Optimizer(std::span<const TrainedSpan> tensors, const OptimizerOptions& options)
    : options_(options), place_(tensors.empty() ? tensor::Place::host : tensors.front().place), arena_(place_) {
  for (const double beta : {options.beta1, options.beta2}) {
    require(beta >= 0 && beta < 1, "[optimizer] expected betas in [0, 1), found {}", beta);
  }
  require(options.epsilon >= 0, "[optimizer] expected an epsilon from 0, found {}", options.epsilon);
  require(options.weight_decay >= 0, "[optimizer] expected a weight decay from 0, found {}", options.weight_decay);
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
    copy_floats(mean_[i], state_.mean[i]);
    copy_floats(square_[i], state_.square[i]);
  }
  return state_;
}

void Optimizer::step_on_device(std::span<const TrainedSpan> tensors, const ops::AdamWFactors& factors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TrainedSpan& tensor = tensors[i];
    if (is_muon(tensor)) continue;
    ops::backend().adamw(factors, tensor.values.data(), tensor.gradient.data(), mean_[i].as<float>().data(),
                         square_[i].as<float>().data(), static_cast<std::int64_t>(tensor.values.size()));
  }
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
    float* momentum = mean_.empty() ? state_.mean[i].data() : mean_[i].as<float>().data();
    matrices.push_back({as_matrix(t.values.data()), as_matrix(t.gradient.data()), as_matrix(momentum)});
  }
  muon_step(matrices, learning_rate, options_.weight_decay, arena_, group);
}

void Optimizer::step(std::span<const TrainedSpan> tensors, double learning_rate, const processes::Group& group) {
  require(tensors.size() == state_.mean.size(), "[optimizer] {} tensors, expected {}", tensors.size(),
          state_.mean.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    require(tensors[i].values.size() == state_.mean[i].size(), "[optimizer] tensor {} has {} values, expected {}", i,
            tensors[i].values.size(), state_.mean[i].size());
    require(tensors[i].place == place_, "[optimizer] tensor {} lies elsewhere than its averages", i);
  }
  const std::vector<Chunk> chunks = chunks_of(tensors, "optimizer");
  ++state_.step;
  const ops::AdamWFactors factors = factors_of(options_, learning_rate, static_cast<double>(state_.step));
  if (options_.muon) step_by_muon(tensors, learning_rate, group);
  if (!mean_.empty()) return step_on_device(tensors, factors);
  for_each(chunks, [&](std::size_t i) {
    const auto& [tensor, begin, size] = chunks[i];
    if (is_muon(tensors[tensor])) return;
    const auto part = [begin = begin, size = size](std::span<float> whole) { return whole.subspan(begin, size); };
    update(factors, {part(tensors[tensor].values), part(tensors[tensor].gradient)}, part(state_.mean[tensor]),
           part(state_.square[tensor]));
  });
}

void Optimizer::restore(OptimizerState state) {
  require(state.step >= 0, "[optimizer] expected a number of steps from 0, found {}", state.step);
  require_lengths(state.mean, state_.mean);
  require_lengths(state.square, state_.square);
  state_ = std::move(state);
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    copy_floats(state_.mean[i], mean_[i]);
    copy_floats(state_.square[i], square_[i]);
  }
}

}  // namespace e5v::train
