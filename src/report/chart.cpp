#include "report/chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/page.h"
#include "report/writer.h"

namespace e5v::report {
namespace {

constexpr double kLeft = 52, kRight = 14, kTop = 14, kBottom = 42;  // around the plot, in units of the SVG
constexpr std::size_t kMaxMarks = 12;
constexpr double kHair = 1e-9;  // of a step: a tick that rounding has moved out of the range by it is in the range

/// An axis: what values it spans, where they lie, and its ticks.
struct Axis {
  double low = 0, high = 1, begin = 0, end = 1;
  std::vector<double> ticks;
  std::vector<std::string> texts;

  double place(double value) const { return begin + (value - low) / (high - low) * (end - begin); }
};

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  /// Never empty.
  Range widened() const {
    if (low > high) return {0, 1};
    if (low < high) return *this;
    const double margin = low == 0 ? 1 : std::abs(low) / 10;
    return {low - margin, high + margin};
  }
};

template <class Take>
Range range_of(const Chart& chart, const Take& take) {
  Range range;
  for (const Curve& curve : chart.curves) {
    for (const std::vector<Point>* points : {&curve.line, &curve.dots}) {
      for (const Point& point : *points) range.include(take(point));
    }
  }
  return range;
}

/// The smallest of 1, 2 and 5 times a power of ten that has at most `most` multiples between low and high.
double round_step(double low, double high, int max_count, bool whole) {
  double power = std::pow(10, std::floor(std::log10((high - low) / max_count)));
  if (whole) power = std::max(power, 1.0);
  for (const double factor : {1, 2, 5, 10}) {
    const double step = power * factor;
    if (std::floor(high / step + kHair) - std::ceil(low / step - kHair) < max_count) return step;
  }
  return power * 20;
}

std::vector<double> multiples(double first, double last, double step) {
  std::vector<double> values;
  for (double i = first; i <= last; ++i) values.push_back(i * step);
  return values;
}

Axis x_axis(const Chart& chart) {
  const Range range = range_of(chart, [](const Point& point) { return point.x; }).widened();
  Axis axis{range.low, range.high, kLeft, chart.width - kRight, {}, {}};
  axis.ticks = round_ticks(axis.low, axis.high, std::max(2, chart.width / 65), true);
  axis.texts = tick_texts(axis.ticks);
  return axis;
}

/// Reaches to the tick below the lowest value and to the one above the highest.
Axis y_axis(const Chart& chart) {
  Range range = range_of(chart, [](const Point& point) { return point.y; });
  if (chart.from_zero) range.include(0);
  range = range.widened();
  const double step = round_step(range.low, range.high, std::max(3, chart.height / 46), false);
  const double low = std::floor(range.low / step + kHair), high = std::ceil(range.high / step - kHair);
  Axis axis{low * step, high * step, chart.height - kBottom, kTop, multiples(low, high, step), {}};
  axis.texts = tick_texts(axis.ticks);
  return axis;
}

void add_axes(Writer& out, const Chart& chart, const Axis& x, const Axis& y) {
  for (std::size_t i = 0; i < y.ticks.size(); ++i) {
    const double at = y.place(y.ticks[i]);
    out.add("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", x.begin, x.end, at, at);
    out.add("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", x.begin - 8, at + 4, y.texts[i]);
  }
  out.add("<line class=\"axis\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", x.begin, x.end, y.begin,
          y.begin);
  for (std::size_t i = 0; i < x.ticks.size(); ++i) {
    const double at = x.place(x.ticks[i]);
    out.add("<line class=\"axis\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", at, at, y.begin,
            y.begin + 4);
    out.add("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", at, y.begin + 18, x.texts[i]);
  }
  out.add("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", (x.begin + x.end) / 2, y.begin + 36,
          html_escaped(chart.x_label));
}

void add_marks(Writer& out, const Chart& chart, const Axis& x, const Axis& y) {
  if (chart.marks.size() > kMaxMarks) return;  // they would hide the curve
  for (const Mark& mark : chart.marks) {
    const double at = x.place(mark.x);
    if (at < x.begin || at > x.end) continue;
    out.add("<line class=\"mark\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", at, at, y.begin, y.end);
    out.add("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", at + 5, y.end + 10, html_escaped(mark.name));
  }
}

void add_curve(Writer& out, const Curve& curve, const Axis& x, const Axis& y) {
  const auto add_dots = [&] {
    for (const Point& point : curve.dots) {
      out.add("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"><title>{:g}: {:.5g}</title></circle>\n",
              curve.faint_dots ? "faint" : "dot", x.place(point.x), y.place(point.y), curve.faint_dots ? 2 : 4, point.x,
              point.y);
    }
  };
  if (curve.faint_dots) add_dots();
  if (!curve.line.empty()) {
    out.add("<path class=\"line\" d=\"");
    for (std::size_t i = 0; i < curve.line.size(); ++i) {
      out.add("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", x.place(curve.line[i].x), y.place(curve.line[i].y));
    }
    out.add("\"/>\n");
  }
  if (!curve.faint_dots) add_dots();
}

/// A value as people read it: "0.5216", "11804", "6.45e-7".
std::string value_text(double value) {
  const double size = std::abs(value);
  if (size == 0 || (size >= 1e-3 && size < 1e3)) return fmt::format("{:.4g}", value);
  if (size >= 1e3 && size < 1e7) return fmt::format("{:.0f}", value);
  const double exponent = std::floor(std::log10(size));
  return fmt::format("{:.2f}e{}", value / std::pow(10, exponent), exponent);
}

/// Title, unit, and each curve's name with its last value.
void add_caption(Writer& out, const Chart& chart) {
  out.add("<figcaption><h2>{}", html_escaped(chart.title));
  if (!chart.unit.empty()) out.add(" <small>{}</small>", html_escaped(chart.unit));
  out.add("</h2><span class=\"legend\">");
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const Curve& curve = chart.curves[i];
    const std::vector<Point>& points = curve.line.empty() ? curve.dots : curve.line;
    out.add("<span class=\"curve{}\"><i></i>{}", i, html_escaped(curve.name));
    if (!points.empty()) out.add(" <b>{}</b>", value_text(points.back().y));
    out.add("</span>");
  }
  out.add("</span></figcaption>\n");
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int max_count, bool whole) {
  if (!(low < high)) return {low};
  const double step = round_step(low, high, max_count, whole);
  return multiples(std::ceil(low / step - kHair), std::floor(high / step + kHair), step);
}

std::vector<std::string> tick_texts(std::span<const double> ticks) {
  double largest = 0;
  for (const double tick : ticks) largest = std::max(largest, std::abs(tick));
  double scale = 1;
  std::string ending;
  if (largest >= 1e7) {
    scale = 1e6, ending = "M";
  } else if (largest >= 1e4) {
    scale = 1e3, ending = "k";
  } else if (largest > 0 && largest < 1e-2) {
    const double exponent = std::floor(std::log10(largest) + 1e-9);
    scale = std::pow(10, exponent), ending = fmt::format("e{}", exponent);
  }
  const double step = (ticks.size() > 1 ? ticks[1] - ticks[0] : largest) / scale;
  const int decimals = step > 0 ? std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9))) : 0;
  std::vector<std::string> texts;
  for (const double tick : ticks) {
    const bool is_zero = std::abs(tick / scale) <= step / 2;
    texts.push_back(is_zero ? "0" : fmt::format("{:.{}f}{}", tick / scale, decimals, ending));
  }
  return texts;
}

std::string html_of(const Chart& chart) {
  Writer out;
  out.add("<figure>\n");
  add_caption(out, chart);
  const Axis x = x_axis(chart), y = y_axis(chart);
  out.add("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", chart.width, chart.height,
          html_escaped(chart.title));
  add_axes(out, chart, x, y);
  add_marks(out, chart, x, y);
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    out.add("<g class=\"curve{}\">\n", i);
    add_curve(out, chart.curves[i], x, y);
    out.add("</g>\n");
  }
  out.add("</svg>\n</figure>\n");
  return out.take();
}

}  // namespace e5v::report
