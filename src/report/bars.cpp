#include "report/bars.h"

#include <algorithm>
#include <cmath>

#include "report/chart.h"
#include "report/page.h"
#include "report/writer.h"

namespace e5v::report {
namespace {

constexpr double kNames = 200, kValues = 60, kRow = 26, kThickness = 14, kFoot = 24;  // in units of the SVG

struct Frame {
  double begin, end, high;

  double place(double value) const { return begin + std::clamp(value / high, 0.0, 1.0) * (end - begin); }
};

void add_caption(Writer& out, const BarChart& chart) {
  out.add("<figcaption><h2>{} <small>{}</small></h2>", html_escaped(chart.title), html_escaped(chart.unit));
  const bool compared = std::ranges::any_of(chart.bars, [](const Bar& bar) { return bar.reference.has_value(); });
  if (compared)
    out.add("<span class=\"legend\"><span class=\"curve0\"><i></i>e5v</span><span>&#x2503; {}</span></span>",
            html_escaped(chart.reference_name));
  out.add("</figcaption>\n");
}

void add_grid(Writer& out, const Frame& frame, double bottom) {
  const std::vector<double> ticks = round_ticks(0, frame.high, 11);
  const std::vector<std::string> texts = tick_texts(ticks);
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const double at = frame.place(ticks[i]);
    out.add("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"0\" y2=\"{:.1f}\"/>\n", at, at, bottom);
    out.add("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", at, bottom + 17, texts[i]);
  }
}

void add_bar(Writer& out, const Bar& bar, const Frame& frame, double top) {
  const double middle = top + kRow / 2, upper = middle - kThickness / 2;
  out.add("<text class=\"name\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", frame.begin - 12,
          middle + 4, html_escaped(bar.name));
  if (std::isfinite(bar.value)) {
    out.add("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\"/>\n", frame.begin,
            upper, frame.place(bar.value) - frame.begin, kThickness);
    out.add("<text x=\"{:.1f}\" y=\"{:.1f}\">{:.2f}</text>\n", frame.end + 10, middle + 4, bar.value);
  }
  if (!bar.reference) return;
  const double at = frame.place(*bar.reference);
  out.add(
      "<line class=\"reference\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" "
      "y2=\"{:.1f}\"><title>{:.2f}</title></line>\n",
      at, at, upper - 3, upper + kThickness + 3, *bar.reference);
}

}  // namespace

std::string html_of(const BarChart& chart) {
  const Frame frame{kNames, chart.width - kValues, chart.high};
  const double bottom = kRow * static_cast<double>(chart.bars.size());
  Writer out;
  out.add("<figure>\n");
  add_caption(out, chart);
  out.add("<svg viewBox=\"0 0 {} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", chart.width, bottom + kFoot,
          html_escaped(chart.title));
  add_grid(out, frame, bottom);
  for (std::size_t i = 0; i < chart.bars.size(); ++i) add_bar(out, chart.bars[i], frame, kRow * static_cast<double>(i));
  out.add("</svg>\n</figure>\n");
  return out.take();
}

}  // namespace e5v::report
