#pragma once
#include <optional>
#include <string>
#include <vector>

namespace e5v::report {

/// A value, and perhaps what it is compared with.
struct Bar {
  std::string name;
  double value = 0;
  std::optional<double> reference{};
};

/// Bars from 0 to `high`, one below the other.
struct BarChart {
  std::string title;
  std::string unit{};
  std::string reference_name{};  ///< for the legend
  std::vector<Bar> bars{};
  double high = 100;
};

/// The chart as an HTML figure for a page(), as wide as there is room, its texts always of reading size. Values outside
/// of the range end at its edges, values that are no numbers have no bar.
std::string html_of(const BarChart& chart);

}  // namespace e5v::report
