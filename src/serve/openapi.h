#pragma once
#include <vector>

#include "base/json.h"
#include "serve/route.h"

namespace e5v::serve {

/// The description of routes in OpenAPI 3.1. The optional fields of requests may be null. With several models, limits
/// are those of the model that allows most.
Json openapi_of(const std::vector<Route>& routes, const ModelSet& models);

/// /, the page to try a model, with what belongs to it, and /openapi.json.
std::vector<Route> page_routes();

}  // namespace e5v::serve
