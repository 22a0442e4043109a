#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// The dialect of Cohere: /v2/embed.
std::vector<Route> cohere_routes();

}  // namespace e5v::serve
