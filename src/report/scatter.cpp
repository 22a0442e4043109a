#include "report/scatter.h"

#include <algorithm>
#include <limits>

#include "report/page.h"
#include "report/writer.h"

namespace e5v::report {
namespace {

constexpr double kMargin = 12;  // in units of the SVG

/// From the points' plane to the chart's, the middle of the points in its middle.
struct Mapping {
  double scale = 1, left = 0, top = 0;

  static Mapping of(const Scatter& scatter) {
    const double infinity = std::numeric_limits<double>::infinity();
    Point low{infinity, infinity}, high{-infinity, -infinity};
    for (const Cloud& cloud : scatter.clouds) {
      for (const Point& p : cloud.points) {
        low = {std::min(low.x, p.x), std::min(low.y, p.y)};
        high = {std::max(high.x, p.x), std::max(high.y, p.y)};
      }
    }
    if (low.x > high.x) return {};
    constexpr double kMinExtent = 1e-12;  // points that lie all in one place
    Mapping mapping;
    mapping.scale = std::min((scatter.width - 2 * kMargin) / std::max(high.x - low.x, kMinExtent),
                             (scatter.height - 2 * kMargin) / std::max(high.y - low.y, kMinExtent));
    mapping.left = scatter.width / 2.0 - mapping.scale * (low.x + high.x) / 2;
    mapping.top = scatter.height / 2.0 + mapping.scale * (low.y + high.y) / 2;
    return mapping;
  }
  double x(const Point& p) const { return left + scale * p.x; }
  double y(const Point& p) const { return top - scale * p.y; }
};

}  // namespace

std::string html_of(const Scatter& scatter) {
  Writer out;
  out.add("<figure>\n<figcaption><h2>{} <small>{}</small></h2><span class=\"legend\">", html_escaped(scatter.title),
          html_escaped(scatter.note));
  for (std::size_t i = 0; i < scatter.clouds.size(); ++i)
    out.add("<span class=\"curve{}\"><i></i>{} <b>{}</b></span>", i, html_escaped(scatter.clouds[i].name),
            scatter.clouds[i].points.size());
  out.add("</span></figcaption>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", scatter.width,
          scatter.height, html_escaped(scatter.title));
  const Mapping mapping = Mapping::of(scatter);
  for (std::size_t i = 0; i < scatter.clouds.size(); ++i) {
    out.add("<g class=\"curve{}\">\n", i);
    for (const Point& p : scatter.clouds[i].points)
      out.add("<circle class=\"point\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>\n", mapping.x(p), mapping.y(p));
    out.add("</g>\n");
  }
  out.add("</svg>\n</figure>\n");
  return out.take();
}

}  // namespace e5v::report
