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

/// A row of a sequence: a token id or a row of an image. Equal symbols after equal prefixes are one row of a batch.
struct Symbol {
  static constexpr std::int32_t kByDepth = -1;

  std::int32_t image = -1;  ///< index of the image, or -1 for text
  std::int32_t value = 0;   ///< token id, or row of the image
  /// An index into a list of positions. kByDepth: the position is the symbol's index in its sequence.
  std::int32_t position = kByDepth;
  auto operator<=>(const Symbol&) const = default;
};

using Sequence = std::vector<Symbol>;

/// An image of an input.
struct InputImage {
  Hash128 key;  ///< a hash of the given image and of its preprocessing
  std::shared_ptr<const model::PreparedImage> prepared;

  std::int64_t rows() const { return prepared->layout.rows(); }
};

/// An input in the form that a model takes.
struct PreparedInput {
  Sequence symbols;                            ///< never empty; `image` is an index into images
  std::vector<InputImage> images;              ///< in the order of the prompt
  std::vector<ops::RotaryPosition> positions;  ///< the positions that symbols point to; empty: all are by depth
  std::shared_ptr<const std::string> prompt;   ///< hash of the template, the prompt's part of the fingerprint

  // Members that Engine::prepare() sets: the origin of the vector, and its scaling.
  std::shared_ptr<const Fingerprint> fingerprint;
  bool normalize = true;        ///< whether the vector is scaled to length 1
  std::int64_t dimensions = 0;  ///< number of the vector's first entries that are kept; 0: all

  /// The number of rows of the whole sequence.
  std::int64_t tokens() const { return static_cast<std::int64_t>(symbols.size()); }
};

/// Marks the place of an image among token ids.
constexpr std::int32_t kImageSlot = -1;

/// The ids as symbols. The n-th kImageSlot is replaced by all rows of the n-th image. There are as many slots as
/// images.
Sequence with_image_rows(const std::vector<std::int32_t>& ids, const std::vector<InputImage>& images);

}  // namespace e5v::embed
