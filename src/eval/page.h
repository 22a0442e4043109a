#pragma once
#include <span>
#include <string>

#include "eval/result.h"

namespace e5v::eval {

/// Results as one HTML page that works without network and script. Each result has its facts, a table and bars with the
/// paper's figures, the queries with the smallest and largest ranks with their images, and the plot of the vector
/// space, as far as they exist. Thumbnails of the image files are embedded.
std::string page_of(std::span<const Result> results);

}  // namespace e5v::eval
