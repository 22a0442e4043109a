#include "ops/rotary.h"

#include <algorithm>
#include <cmath>

#include "ops/backend.h"
#include "ops/check.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops {

RotaryTable::RotaryTable(std::vector<float> inverse_frequencies, std::int64_t positions, float scale)
    : pairs_(static_cast<std::int64_t>(inverse_frequencies.size())) {
  require(pairs_ > 0, "[rotary] the table needs at least one frequency");
  cosines_.reserve(static_cast<std::size_t>(positions * pairs_));
  sines_.reserve(static_cast<std::size_t>(positions * pairs_));
  for (std::int64_t position = 0; position < positions; ++position) {
    for (const float frequency : inverse_frequencies) add(static_cast<std::int32_t>(position), frequency, scale);
  }
}

RotaryTable::RotaryTable(const std::vector<float>& inverse_frequencies, std::span<const RotaryPosition> positions,
                         std::span<const std::uint8_t> axes, float scale)
    : pairs_(static_cast<std::int64_t>(inverse_frequencies.size())) {
  require(pairs_ > 0, "[rotary] the table needs at least one frequency");
  check_length("rotary", "axes", axes.size(), pairs_);
  for (const std::uint8_t axis : axes) require(axis < 3, "[rotary] axis {}, expected 0, 1 or 2", axis);
  for (const RotaryPosition& position : positions) {
    for (std::size_t pair = 0; pair < axes.size(); ++pair) {
      add(position[axes[pair]], inverse_frequencies[pair], scale);
    }
  }
}

void RotaryTable::add(std::int32_t position, float frequency, float scale) {
  const double angle = static_cast<float>(position) * frequency;
  cosines_.push_back(static_cast<float>(std::cos(angle)) * scale);
  sines_.push_back(static_cast<float>(std::sin(angle)) * scale);
}

const float* RotaryTable::on_device() const {
  if (copy_.data() == nullptr) {
    std::vector<float> both = cosines_;
    both.insert(both.end(), sines_.begin(), sines_.end());
    const tensor::TensorView view{
        reinterpret_cast<const std::byte*>(both.data()), tensor::DType::f32, {static_cast<std::int64_t>(both.size())}};
    copy_ = copied(view, tensor::Place::device);
  }
  return copy_.as<float>().data();
}

GrowingRotaryTable::GrowingRotaryTable(std::vector<float> inverse_frequencies, float scale,
                                       std::vector<std::uint8_t> axes)
    : inverse_frequencies_(std::move(inverse_frequencies)), scale_(scale), axes_(std::move(axes)) {
  if (axes_.empty()) axes_.assign(inverse_frequencies_.size(), 0);
}

std::shared_ptr<const RotaryTable> GrowingRotaryTable::of(std::span<const RotaryPosition> positions) const {
  return std::make_shared<const RotaryTable>(inverse_frequencies_, positions, axes_, scale_);
}

std::shared_ptr<const RotaryTable> GrowingRotaryTable::covering(std::int64_t positions) const {
  constexpr std::int64_t kFirst = 512;
  const std::lock_guard lock(mutex_);
  if (!table_ || table_->positions() < positions) {
    const std::int64_t doubled = table_ ? 2 * table_->positions() : kFirst;
    table_ = std::make_shared<const RotaryTable>(inverse_frequencies_, std::max(positions, doubled), scale_);
  }
  return table_;
}

namespace {

void rotate(tensor::Matrix x_TX, std::span<const std::int32_t> positions_T, const RotaryTable& table, float direction) {
  check_result_type("rotary", "x", x_TX);
  check_length("rotary", "positions", positions_T.size(), x_TX.rows);
  require(x_TX.columns % (2 * table.pairs()) == 0, "[rotary] {} columns are no multiple of the head width {}",
          x_TX.columns, 2 * table.pairs());
  for (const std::int32_t position : positions_T) {
    require(position >= 0 && position < table.positions(), "[rotary] position {} is outside the table of {}", position,
            table.positions());
  }
  if (on_device(x_TX)) return backend().rotary(x_TX, positions_T, table, direction);
  cpu::rotary(x_TX, positions_T, table, direction);
}

}  // namespace

void rotary(tensor::Matrix x_TX, std::span<const std::int32_t> positions_T, const RotaryTable& table) {
  rotate(x_TX, positions_T, table, 1);
}

void rotary_backward(tensor::Matrix dx_TX, std::span<const std::int32_t> positions_T, const RotaryTable& table) {
  rotate(dx_TX, positions_T, table, -1);
}

}  // namespace e5v::ops
