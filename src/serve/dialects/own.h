#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// /v1/embed: all that the models can do. Items with options of their own, several prompts on one input, uploads, and
/// answers that are sent while they are computed.
std::vector<Route> own_routes();

}  // namespace e5v::serve
