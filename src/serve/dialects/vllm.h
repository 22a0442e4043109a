#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// vLLM's routes beside those of OpenAI: /pooling, /score, /rerank, /tokenize, /detokenize, /load.
std::vector<Route> vllm_routes();

}  // namespace e5v::serve
