#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops::cpu {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 14;

/// A part of a list for one thread.
struct Chunk {
  std::size_t list, begin, size;

  template <class T>
  std::span<T> of(std::span<T> whole) const {
    return whole.subspan(begin, size);
  }
};

/// The parts of all lists, which have the lengths length_of(0), length_of(1), ..., in their order.
template <class LengthOf>
std::vector<Chunk> chunks_of(std::size_t lists, const LengthOf& length_of) {
  std::vector<Chunk> chunks;
  for (std::size_t list = 0; list < lists; ++list) {
    const std::size_t size = length_of(list);
    for (std::size_t begin = 0; begin < size; begin += kChunk) {
      chunks.push_back({list, begin, std::min(kChunk, size - begin)});
    }
  }
  return chunks;
}

template <class Body>
void for_each(const std::vector<Chunk>& chunks, const Body& body) {
  parallel_for(static_cast<std::int64_t>(chunks.size()), 1, [&](std::int64_t i) { body(static_cast<std::size_t>(i)); });
}

/// No operations are fused, because this file is compiled for CPUs without fused operations.
void step(const AdamWFactors& f, std::span<float> values, std::span<const float> gradients, std::span<float> mean,
          std::span<float> square) {
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const float gradient = gradients[i];
    mean[i] += f.one_minus_beta1 * (gradient - mean[i]);
    square[i] = f.beta2 * square[i] + f.one_minus_beta2 * gradient * gradient;
    const float root = std::sqrt(square[i]) / f.correction2 + f.epsilon;
    values[i] = f.keep * values[i] - f.size * mean[i] / root;
  }
}

}  // namespace

void adamw(const AdamWFactors& factors, std::span<const AdamWTensor> tensors) {
  const auto chunks = chunks_of(tensors.size(), [&](std::size_t i) { return tensors[i].values.size(); });
  for_each(chunks, [&](std::size_t i) {
    const Chunk& chunk = chunks[i];
    const AdamWTensor& whole = tensors[chunk.list];
    step(factors, chunk.of(whole.values), chunk.of(whole.gradient), chunk.of(whole.mean), chunk.of(whole.square));
  });
}

double square_sum(std::span<const std::span<const float>> lists) {
  const auto chunks = chunks_of(lists.size(), [&](std::size_t i) { return lists[i].size(); });
  std::vector<double> sums(chunks.size());
  for_each(chunks, [&](std::size_t i) {
    for (const double value : chunks[i].of(lists[chunks[i].list])) sums[i] += value * value;
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

void scale(std::span<const std::span<float>> lists, float factor) {
  const auto chunks = chunks_of(lists.size(), [&](std::size_t i) { return lists[i].size(); });
  for_each(chunks, [&](std::size_t i) {
    for (float& value : chunks[i].of(lists[chunks[i].list])) value *= factor;
  });
}

}  // namespace e5v::ops::cpu
