#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// The routes of vLLM in addition to those of OpenAI: /pooling, /score, /rerank, /tokenize, /detokenize, /load.
std::vector<Route> vllm_routes();

}  // namespace e5v::serve
