#include "embed/batch.h"

#include <algorithm>
#include <utility>

namespace e5v::embed {

bool Batch::fits(const PreparedInput& input) const {
  if (inputs_.empty()) return true;
  const std::int64_t shared = inputs_.front().tokens() + sharers_room(budget_);
  return rows_ + new_rows(input) <= (holds_image_of(input) ? std::max(budget_, shared) : budget_);
}

void Batch::add(PreparedInput input) {
  rows_ += new_rows(input);
  inputs_.push_back(std::move(input));
}

void Batch::clear() {
  inputs_.clear();
  rows_ = 0;
}

bool Batch::holds(const InputImage& image) const {
  return std::ranges::any_of(inputs_, [&](const PreparedInput& other) {
    return std::ranges::any_of(other.images, [&](const InputImage& held) { return held.key == image.key; });
  });
}

bool Batch::holds_image_of(const PreparedInput& input) const {
  return std::ranges::any_of(input.images, [&](const InputImage& image) { return holds(image); });
}

/// The rows that an input adds. An image that is in the batch already adds one row.
std::int64_t Batch::new_rows(const PreparedInput& input) const {
  std::int64_t rows = input.tokens();
  for (const InputImage& image : input.images) {
    if (holds(image)) rows -= image.rows() - 1;
  }
  return rows;
}

void Batches::add(PreparedInput input) {
  if (!batch_.fits(input)) flush();
  batch_.add(std::move(input));
}

void Batches::flush() {
  compute_(batch_.inputs());
  batch_.clear();
}

void for_batches(std::span<const PreparedInput> inputs, std::int64_t token_budget, const Batches::Compute& compute) {
  Batches batches(token_budget, compute);
  for (const PreparedInput& input : inputs) batches.add(input);
  if (!batches.empty()) batches.flush();
}

}  // namespace e5v::embed
