#pragma once
#include <string>
#include <vector>

#include "report/series.h"

namespace e5v::report {

/// Points of one kind; their x and y are finite.
struct Cloud {
  std::string name;  ///< for the legend
  std::vector<Point> points{};
};

/// Points on a plane whose axes mean nothing but distance: both have one scale.
struct Scatter {
  std::string title;
  std::string note{};
  std::vector<Cloud> clouds{};  ///< at most three
  int width = 1080, height = 560;
};

/// The plane as an HTML figure with inline SVG, for a page().
std::string html_of(const Scatter& scatter);

}  // namespace e5v::report
