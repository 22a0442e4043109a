#pragma once
#include "serve/route.h"

namespace e5v::serve {

/// The dialect of OpenAI: /v1/embeddings and /v1/models, with the additional fields of vLLM, Jina, SGLang and infinity.
std::vector<Route> openai_routes();

/// The error format of OpenAI: {"error": {"message", "type", "param", "code"}}.
http::Response openai_error(const Fault& fault);

/// Reads the inputs and options of a request in this dialect.
EmbeddingCall openai_call(const Exchange& exchange, const Json& body);

}  // namespace e5v::serve
