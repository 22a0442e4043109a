#pragma once
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "embed/prepared_input.h"
#include "tensor/device.h"

namespace e5v::embed {

/// Rows computed together when nobody says how many: enough for the full speed of matrix products.
constexpr std::int64_t chosen_token_budget(std::int64_t asked, tensor::Place place) {
  if (asked > 0) return asked;
  return place == tensor::Place::host ? 2048 : 16384;
}

/// Collects prepared inputs until their rows fill the token budget.
class Batch {
 public:
  explicit Batch(std::int64_t token_budget) : budget_(token_budget) {}

  bool empty() const { return inputs_.empty(); }
  /// True when the input still fits; anything fits into an empty batch. Images that are in the batch already are not
  /// counted again, and inputs that share it may exceed the budget by sharers_room() rows beyond those of the first
  /// input: an image alone can fill the budget, and computing it once for all prompts on it is worth more than that.
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

/// Deals inputs into batches, in their order: the one loop that forms batches without waiting.
class Batches {
 public:
  using Compute = std::function<void(std::span<const PreparedInput>)>;

  /// `compute` is given a batch as soon as the next input does not fit it.
  Batches(std::int64_t token_budget, Compute compute) : batch_(token_budget), compute_(std::move(compute)) {}

  void add(PreparedInput input);
  /// Gives what has been added since the last batch, which may be nothing.
  void flush();
  bool empty() const { return batch_.empty(); }

 private:
  Batch batch_;
  Compute compute_;
};

/// Deals all inputs into batches; there is none of no inputs.
void for_batches(std::span<const PreparedInput> inputs, std::int64_t token_budget, const Batches::Compute& compute);

}  // namespace e5v::embed
