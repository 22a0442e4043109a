#pragma once
#include <vector>

#include "base/json.h"
#include "serve/route.h"

namespace e5v::serve {

/// Returns the description of the routes in OpenAPI 3.1.
Json openapi_of(const std::vector<Route>& routes);

/// The routes / (the page to try a model), its files, and /openapi.json.
std::vector<Route> page_routes();

}  // namespace e5v::serve
