#pragma once
#include <span>
#include <vector>

#include "embed/forest.h"
#include "embed/prepared_input.h"

namespace e5v::embed {

/// The inputs of a batch as one prefix forest.
struct PackedBatch {
  Forest forest;                                    ///< its symbols' `image` is an index into images
  std::vector<const model::PreparedImage*> images;  ///< the different images, in the order of their first occurrence
};

/// Packs inputs, which the result borrows. Images with the same content are one image. If an input lists positions, all
/// rows of the batch point into the list of the forest's rows; a row by depth d then has the position (d, d, d).
PackedBatch pack(std::span<const PreparedInput> inputs);

}  // namespace e5v::embed
