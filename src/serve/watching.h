#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// The routes for monitoring: /health, /ready, /ping, /metrics and /version.
std::vector<Route> watching_routes();

}  // namespace e5v::serve
