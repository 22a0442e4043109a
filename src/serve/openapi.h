#pragma once
#include <vector>

#include "base/json.h"
#include "serve/route.h"

namespace e5v::serve {

/// The description of routes in OpenAPI 3.1.
Json openapi_of(const std::vector<Route>& routes);

/// /, the page to try a model, with what belongs to it, and /openapi.json.
std::vector<Route> page_routes();

}  // namespace e5v::serve
