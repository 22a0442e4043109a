#include "serve/library/library_page.h"

#include "serve/library/overview_routes.h"
#include "serve/library/photo_routes.h"
#include "serve/library/search_routes.h"
#include "serve/page_part.h"

namespace e5v::serve {

extern const std::string_view library_html, library_css, library_js, server_js, search_js, grid_js, photo_js,
    duplicates_js, map_js;

namespace {

// Each is the answer of a route, with a file that is compiled into the program.
template <const std::string_view& file>
void send_html(Exchange exchange) {
  exchange.responder->send(page_part("text/html; charset=utf-8", file));
}
template <const std::string_view& file>
void send_style(Exchange exchange) {
  exchange.responder->send(page_part("text/css; charset=utf-8", file));
}
template <const std::string_view& file>
void send_script(Exchange exchange) {
  exchange.responder->send(page_part("text/javascript; charset=utf-8", file));
}

}  // namespace

std::vector<Route> library_page_routes() {
  constexpr std::string_view kScript = "text/javascript";
  return {
      page_route("/library", send_html<library_html>, "text/html", "A page to search the library"),
      page_route("/library/library.css", send_style<library_css>, "text/css", "The style of this page"),
      page_route("/library/library.js", send_script<library_js>, kScript, "The script of this page"),
      page_route("/library/server.js", send_script<server_js>, kScript, "Its script that asks the server"),
      page_route("/library/search.js", send_script<search_js>, kScript, "Its script of the search"),
      page_route("/library/grid.js", send_script<grid_js>, kScript, "Its script of the grid of photos"),
      page_route("/library/photo.js", send_script<photo_js>, kScript, "Its script of one photo"),
      page_route("/library/duplicates.js", send_script<duplicates_js>, kScript, "Its script of duplicates"),
      page_route("/library/map.js", send_script<map_js>, kScript, "Its script of the map"),
  };
}

std::vector<Route> library_routes() {
  std::vector<Route> routes;
  for (const auto& part : {library_page_routes, search_routes, photo_routes, overview_routes})
    for (const Route& route : part()) routes.push_back(route);
  return routes;
}

}  // namespace e5v::serve
