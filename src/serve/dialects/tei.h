#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// The dialect of Text Embeddings Inference: the routes /embed, /similarity and /info, with its fields, headers and
/// errors.
std::vector<Route> tei_routes();

}  // namespace e5v::serve
