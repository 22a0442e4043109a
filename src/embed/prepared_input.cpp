#include "embed/prepared_input.h"

#include <algorithm>

#include "base/error.h"

namespace e5v::embed {

Sequence with_image_rows(const std::vector<std::int32_t>& ids, const std::vector<InputImage>& images) {
  const auto slots = static_cast<std::size_t>(std::ranges::count(ids, kImageSlot));
  require(slots == images.size(), "[input] {} slots for {} images", slots, images.size());
  Sequence symbols;
  std::int32_t image = 0;
  for (const std::int32_t id : ids) {
    if (id != kImageSlot) {
      symbols.push_back({-1, id});
      continue;
    }
    const auto rows = static_cast<std::int32_t>(images[static_cast<std::size_t>(image)].rows());
    for (std::int32_t row = 0; row < rows; ++row) symbols.push_back({image, row});
    ++image;
  }
  return symbols;
}

}  // namespace e5v::embed
