#pragma once
#include <vector>

#include "serve/route.h"

namespace e5v::serve {

/// The routes of the whole library: what it holds, its duplicates, and its map.
std::vector<Route> overview_routes();

}  // namespace e5v::serve
