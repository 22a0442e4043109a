#pragma once
#include <vector>

#include "serve/route.h"

namespace e5v::serve {

/// POST /library/search: photos by words, by an image, by both, by another photo, or by date.
std::vector<Route> search_routes();

}  // namespace e5v::serve
