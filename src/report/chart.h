#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/series.h"

namespace e5v::report {

/// One curve of a chart.
struct Curve {
  std::string name;           ///< for the legend
  std::vector<Point> line{};  ///< x ascends
  std::vector<Point> dots{};
  bool faint_dots = false;  ///< they lie under a line that was smoothed from them
};

/// A place on the x axis with a name.
struct Mark {
  double x = 0;
  std::string name;
};

struct Chart {
  std::string title;
  std::string unit{};  ///< of y
  std::string x_label{};
  std::vector<Curve> curves{};  ///< at most three; all values finite
  std::vector<Mark> marks{};
  bool from_zero = false;  ///< the y axis includes 0
  int width = 1080, height = 320;
};

/// Round numbers between low and high, both included, at a distance of 1, 2 or 5 times a power of ten: at most
/// `max_count` of them. `whole`: no fractions. At least one number unless there is none of that kind between them.
std::vector<double> round_ticks(double low, double high, int max_count, bool whole = false);

/// The ticks as they are written, all with the same number of decimals: "0.5", "12k", "2e-4".
std::vector<std::string> tick_texts(std::span<const double> ticks);

/// The chart as an HTML figure with inline SVG, for a page(). Every dot has a tooltip.
std::string html_of(const Chart& chart);

}  // namespace e5v::report
