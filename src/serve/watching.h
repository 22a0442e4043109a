#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// /health, /ready, /ping, /metrics and /version: what watches a server asks.
std::vector<Route> watching_routes();

}  // namespace e5v::serve
