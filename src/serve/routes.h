#pragma once
#include <vector>

#include "serve/route.h"

namespace e5v::serve {

/// Returns all routes of the server.
std::vector<Route> all_routes();

}  // namespace e5v::serve
