#include "serve/library/library_page.h"

#include "serve/library/overview_routes.h"
#include "serve/library/photo_routes.h"
#include "serve/library/search_routes.h"
#include "serve/page_part.h"

namespace e5v::serve {

extern const std::string_view library_html, library_css, library_js, server_js, search_js, grid_js, photo_js,
    duplicates_js, map_js;

namespace {

constexpr std::string_view kStyle = "text/css", kScript = "text/javascript";

void send_script(const Exchange& exchange, std::string_view script) {
  exchange.responder->send(page_part("text/javascript; charset=utf-8", script));
}

}  // namespace

std::vector<Route> library_page_routes() {
  return {
      page_route(
          "/library",
          [](Exchange exchange) { exchange.responder->send(page_part("text/html; charset=utf-8", library_html)); },
          "text/html", "A page to search the library"),
      page_route(
          "/library/library.css",
          [](Exchange exchange) { exchange.responder->send(page_part("text/css; charset=utf-8", library_css)); },
          kStyle, "The style of this page"),
      page_route(
          "/library/library.js", [](Exchange exchange) { send_script(exchange, library_js); }, kScript,
          "The script of this page"),
      page_route(
          "/library/server.js", [](Exchange exchange) { send_script(exchange, server_js); }, kScript,
          "Its script that asks the server"),
      page_route(
          "/library/search.js", [](Exchange exchange) { send_script(exchange, search_js); }, kScript,
          "Its script of the search"),
      page_route(
          "/library/grid.js", [](Exchange exchange) { send_script(exchange, grid_js); }, kScript,
          "Its script of the grid of photos"),
      page_route(
          "/library/photo.js", [](Exchange exchange) { send_script(exchange, photo_js); }, kScript,
          "Its script of one photo"),
      page_route(
          "/library/duplicates.js", [](Exchange exchange) { send_script(exchange, duplicates_js); }, kScript,
          "Its script of duplicates"),
      page_route(
          "/library/map.js", [](Exchange exchange) { send_script(exchange, map_js); }, kScript,
          "Its script of the map"),
  };
}

std::vector<Route> library_routes() {
  std::vector<Route> routes;
  for (const auto& part : {library_page_routes, search_routes, photo_routes, overview_routes})
    for (const Route& route : part()) routes.push_back(route);
  return routes;
}

}  // namespace e5v::serve
