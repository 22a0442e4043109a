#pragma once
#include <string_view>

#include "serve/route.h"

namespace e5v::serve {

/// A part of a page of the server: HTML, style or script. The page may load only what this server has.
http::Response page_part(std::string_view type, std::string_view content);

/// The route of such a part, which everybody may load.
Route page_route(std::string_view path, void (*answer)(Exchange), std::string_view type, std::string_view summary);

}  // namespace e5v::serve
