#pragma once
#include <vector>

#include "serve/route.h"

namespace e5v::serve {

/// Returns all routes of a server, with those of a library of photos if it shows one.
std::vector<Route> all_routes(bool with_library = true);

}  // namespace e5v::serve
