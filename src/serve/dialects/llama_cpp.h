#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// The dialect of llama.cpp: /embedding and /embeddings.
std::vector<Route> llama_cpp_routes();

}  // namespace e5v::serve
