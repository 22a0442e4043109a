#pragma once
#include <span>
#include <vector>

#include "embed/forest.h"
#include "embed/prepared_input.h"

namespace e5v::embed {

/// The inputs of a batch as one prefix forest.
struct PackedBatch {
  Forest forest;                                    ///< `image` of its symbols is an index into images
  std::vector<const model::PreparedImage*> images;  ///< the different ones, by their first places
};

/// Packs inputs, which the result borrows. Images of one content are one image. If any input lists positions, all rows
/// of the batch point into the list that the forest's rows then have; those by depth d have the position (d, d, d).
PackedBatch pack(std::span<const PreparedInput> inputs);

}  // namespace e5v::embed
