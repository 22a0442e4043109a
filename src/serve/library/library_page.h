#pragma once
#include <vector>

#include "serve/route.h"

namespace e5v::serve {

/// The page that shows a library, at /library, with its style and scripts.
std::vector<Route> library_page_routes();

/// All routes of a library.
std::vector<Route> library_routes();

}  // namespace e5v::serve
