#include "serve/routes.h"

#include "serve/dialects/cohere.h"
#include "serve/dialects/llama_cpp.h"
#include "serve/dialects/openai.h"
#include "serve/dialects/own.h"
#include "serve/dialects/tei.h"
#include "serve/dialects/vllm.h"
#include "serve/library/library_page.h"
#include "serve/openapi.h"
#include "serve/watching.h"

namespace e5v::serve {

std::vector<Route> all_routes(bool with_library) {
  std::vector<Route> routes;
  for (const auto& dialect : {openai_routes, own_routes, vllm_routes, cohere_routes, tei_routes, llama_cpp_routes,
                              watching_routes, page_routes}) {
    for (const Route& route : dialect()) routes.push_back(route);
  }
  if (with_library)
    for (const Route& route : library_routes()) routes.push_back(route);
  return routes;
}

}  // namespace e5v::serve
