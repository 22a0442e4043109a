#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "image/anyres.h"

namespace e5v::model {

/// Patches in rows and columns.
struct PatchGrid {
  std::int32_t rows = 0, columns = 0;
  std::int64_t patches() const { return std::int64_t{rows} * columns; }
  bool operator==(const PatchGrid&) const = default;
};

/// The input of a vision tower for one image: one or more grids of patches. Square tiles are one case.
struct Patches {
  std::int32_t edge = 0;  ///< of a patch, in pixels
  std::vector<PatchGrid> grids;
  std::vector<std::uint8_t> pixels;  ///< all grids, [3, rows * edge, columns * edge] each

  /// The pixels of each grid.
  std::vector<std::span<const std::uint8_t>> grid_pixels() const;
  /// Makes grids with patches of `edge` pixels from tiles. Throws ModelError when the tiles' edge is no multiple of
  /// `edge`.
  static Patches of(image::Tiles tiles, std::int32_t edge);
};

/// The meaning of an image's rows in a prompt, in their order. A row is the feature of a patch or a special row of the
/// model. Features are counted over all grids; a tower's class token is not counted.
class ImageLayout {
 public:
  /// The entry of a special row of the model. It is below 0, unlike the index of a feature.
  static constexpr std::int32_t special(std::int32_t which) { return -1 - which; }

  ImageLayout() = default;
  /// One entry for each row: the index of a feature, or special(). image::packed_order gives the rows of LLaVA-NeXT.
  explicit ImageLayout(std::vector<std::int32_t> rows);

  std::int64_t rows() const { return static_cast<std::int64_t>(rows_.size()); }
  /// The number of rows that are features.
  std::int64_t features() const { return features_; }

  /// Calls feature(row, index) or special(row, which) for every row in order.
  template <class Feature, class Special>
  void walk(const Feature& feature, const Special& special) const {
    for (std::int64_t row = 0; row < rows(); ++row) {
      const std::int32_t entry = rows_[static_cast<std::size_t>(row)];
      if (entry >= 0) {
        feature(row, std::int64_t{entry});
      } else {
        special(row, -1 - entry);
      }
    }
  }

 private:
  std::vector<std::int32_t> rows_;
  std::int64_t features_ = 0;
};

/// An image ready for a model.
struct PreparedImage {
  Patches patches;
  ImageLayout layout;
};

}  // namespace e5v::model
