#pragma once
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "e5v/embedding.h"
#include "model/prepared_image.h"
#include "ops/rotary.h"

namespace e5v::embed {

/// One row of a sequence: a token id, or a row of an image. Equal symbols behind equal prefixes are one row of a batch.
struct Symbol {
  static constexpr std::int32_t kByDepth = -1;

  std::int32_t image = -1;  ///< index of the image, or -1 for text
  std::int32_t value = 0;   ///< token id, or row of the image
  /// Index into a list of positions; kByDepth: the symbol's place in its sequence, from 0, is its position.
  std::int32_t position = kByDepth;
  auto operator<=>(const Symbol&) const = default;
};

using Sequence = std::vector<Symbol>;

/// An image of an input.
struct InputImage {
  Hash128 key;  ///< of the image as it was given, and of what prepares it
  std::shared_ptr<const model::PreparedImage> prepared;

  std::int64_t rows() const { return prepared->layout.rows(); }
};

/// An input turned into what a model takes.
struct PreparedInput {
  Sequence symbols;                            ///< never empty; `image` is an index into images
  std::vector<InputImage> images;              ///< in the order of their places in the prompt
  std::vector<ops::RotaryPosition> positions;  ///< that symbols point to; empty: all positions are by depth
  std::shared_ptr<const std::string> prompt;   ///< hash of the template: the prompt's part of the fingerprint

  // What Engine::prepare() adds: where the vector will come from, and what becomes of it.
  std::shared_ptr<const Fingerprint> fingerprint;
  bool normalize = true;        ///< whether it is scaled to length 1
  std::int64_t dimensions = 0;  ///< its first numbers are kept, so many; 0: all

  /// Rows of the whole sequence.
  std::int64_t tokens() const { return static_cast<std::int64_t>(symbols.size()); }
};

/// Stands among token ids where an image goes.
constexpr std::int32_t kImageSlot = -1;

/// The ids as symbols, with all rows of the n-th image in the place of the n-th kImageSlot. There are as many slots as
/// images.
Sequence with_image_rows(const std::vector<std::int32_t>& ids, const std::vector<InputImage>& images);

}  // namespace e5v::embed
