#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "e5v/embedder.h"
#include "library/library.h"

/// Texts as people search with, to compare the scores of a query with (library/calibration).
namespace e5v::library {

/// The texts, in a fixed order.
std::span<const std::string_view> reference_texts();

/// Computes the vectors of the texts: f16 [width] each. `run` and `prepare` as for the photos.
std::vector<std::vector<tensor::Half>> embed_reference_texts(const Embedder& embedder, const RunOptions& run,
                                                             const PrepareOptions& prepare);

/// Computes the vectors of the texts and keeps them in the library, unless it has those of its model. The model is that
/// of the library. `run` as for embed_files().
void keep_reference_texts(Library& library, const Embedder& embedder, const RunOptions& run = {});

/// The vectors of the texts; nothing if the library has none yet.
std::optional<VectorRows> reference_vectors(Library& library);

}  // namespace e5v::library
