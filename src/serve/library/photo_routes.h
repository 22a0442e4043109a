#pragma once
#include <vector>

#include "serve/route.h"

namespace e5v::serve {

/// The routes of one photo, below /library/photos/{id}: what is known of it, its small image, its file, and the words
/// that are nearest to it.
std::vector<Route> photo_routes();

}  // namespace e5v::serve
