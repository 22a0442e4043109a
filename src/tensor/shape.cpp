#include "tensor/shape.h"

#include "base/error.h"

namespace e5v::tensor {

Shape::Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  require(extents.size() <= kMaxRank, "[shape] {} axes, at most {} are supported", extents.size(), kMaxRank);
  for (std::size_t i = 0; i < extents.size(); ++i) {
    require(extents[i] >= 0, "[shape] axis {} has the negative extent {}", i, extents[i]);
    extents_[i] = extents[i];
  }
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (int axis = 0; axis < rank_; ++axis) product *= (*this)[axis];
  return product;
}

std::string Shape::text() const {
  std::string result = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis > 0) result += ", ";
    result += std::to_string((*this)[axis]);
  }
  return result + "]";
}

}  // namespace e5v::tensor
