#pragma once
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "embed/prepared_input.h"
#include "tensor/device.h"

namespace e5v::embed {

/// The token budget; 0 is replaced by a number of rows that is enough for the full speed of matrix products.
constexpr std::int64_t chosen_token_budget(std::int64_t asked, tensor::Place place) {
  if (asked > 0) return asked;
  return place == tensor::Place::host ? 2048 : 16384;
}

/// Collects prepared inputs until their rows fill the token budget.
class Batch {
 public:
  explicit Batch(std::int64_t token_budget) : budget_(token_budget) {}

  bool empty() const { return inputs_.empty(); }
  /// True when the input still fits; every input fits into an empty batch. Images that are in the batch already are not
  /// counted again. Inputs that share the first input's image may exceed the budget by sharers_room() rows: an image
  /// alone can fill the budget, and computing it once for all its prompts costs less than keeping the budget.
  bool fits(const PreparedInput& input) const;
  void add(PreparedInput input);
  std::span<const PreparedInput> inputs() const { return inputs_; }
  void clear();

  static constexpr std::int64_t sharers_room(std::int64_t token_budget) { return token_budget / 4; }

 private:
  bool holds(const InputImage& image) const;
  bool holds_image_of(const PreparedInput& input) const;
  std::int64_t new_rows(const PreparedInput& input) const;

  std::int64_t budget_, rows_ = 0;
  std::vector<PreparedInput> inputs_;
};

/// Divides inputs into batches, in their order. This is the only loop that forms batches without waiting.
class Batches {
 public:
  using Compute = std::function<void(std::span<const PreparedInput>)>;

  /// `compute` gets a batch as soon as the next input does not fit into it.
  Batches(std::int64_t token_budget, Compute compute) : batch_(token_budget), compute_(std::move(compute)) {}

  void add(PreparedInput input);
  /// Passes on the inputs since the last batch, if there are any.
  void flush();
  bool empty() const { return batch_.empty(); }

 private:
  Batch batch_;
  Compute compute_;
};

/// Divides all inputs into batches. Without inputs there is no batch.
void for_batches(std::span<const PreparedInput> inputs, std::int64_t token_budget, const Batches::Compute& compute);

}  // namespace e5v::embed
