#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// OpenAI's /v1/embeddings and /v1/models, with the fields that vLLM, Jina, SGLang and infinity add to them.
std::vector<Route> openai_routes();

/// {"error": {"message", "type", "param", "code"}}.
http::Response openai_error(const Fault& fault);

/// The call of a request in this dialect: its inputs and options.
EmbeddingCall openai_call(const Exchange& exchange, const Json& body);

}  // namespace e5v::serve
