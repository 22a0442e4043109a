#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// Text Embeddings Inference: /embed, /similarity, /info, /tokenize and /decode have its fields, headers and errors.
std::vector<Route> tei_routes();

}  // namespace e5v::serve
