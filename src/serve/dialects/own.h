#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// e5v's own dialect, /v1/embed: items with their own options, several prompts for one input, uploads, and responses
/// that are sent while they are computed.
std::vector<Route> own_routes();

}  // namespace e5v::serve
