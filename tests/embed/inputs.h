#pragma once
#include <memory>
#include <vector>

#include "embed/prepared_input.h"

namespace e5v::embed::test {

/// A text of so many equal tokens.
inline PreparedInput text(std::size_t tokens) {
  PreparedInput input;
  input.symbols.assign(tokens, {-1, 1});
  return input;
}

/// An image of so many rows, all features.
inline InputImage image_of(std::uint64_t key, std::size_t rows) {
  auto image = std::make_shared<model::PreparedImage>();
  image->layout = model::ImageLayout(std::vector<std::int32_t>(rows));
  return {{key, 0}, std::move(image)};
}

/// Images, then a prompt of `tokens` tokens.
inline PreparedInput about_images(std::vector<InputImage> images, std::size_t tokens) {
  std::vector<std::int32_t> ids(images.size(), kImageSlot);
  ids.insert(ids.end(), tokens, 1);
  PreparedInput input;
  input.symbols = with_image_rows(ids, images);
  input.images = std::move(images);
  return input;
}

inline PreparedInput about_image(std::uint64_t key, std::size_t image_rows, std::size_t tokens) {
  return about_images({image_of(key, image_rows)}, tokens);
}

}  // namespace e5v::embed::test
