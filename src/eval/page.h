#pragma once
#include <span>
#include <string>

#include "eval/result.h"

namespace e5v::eval {

/// Results as one HTML page that needs nothing else, no network and no script: of each its facts, a table and bars of
/// the figures beside the paper's, the best and the worst queries with their pictures, and the picture of the space, as
/// far as the result has them. Pictures are read from their files, and embedded small.
std::string page_of(std::span<const Result> results);

}  // namespace e5v::eval
