#pragma once
#include <vector>

#include "base/json.h"
#include "serve/route.h"

namespace e5v::serve {

/// Returns the description of the routes in OpenAPI 3.1. The optional fields of requests may be null. With several
/// models, the limits are those of the model with the highest limits, and ContextOrMore allows the smallest context.
Json openapi_of(const std::vector<Route>& routes, const ModelSet& models);

/// The routes / (the page to try a model), its files, and /openapi.json.
std::vector<Route> page_routes();

}  // namespace e5v::serve
