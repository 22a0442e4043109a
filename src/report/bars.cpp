#include "report/bars.h"

#include <algorithm>
#include <cmath>

#include "report/chart.h"
#include "report/page.h"
#include "report/writer.h"

namespace e5v::report {
namespace {

/// Where a value stands, in percent of the width.
double place(double value, double high) { return std::clamp(value / high, 0.0, 1.0) * 100 + 0.0; }  // no "-0"

void add_caption(Writer& out, const BarChart& chart) {
  out.add("<figcaption><h2>{} <small>{}</small></h2>", html_escaped(chart.title), html_escaped(chart.unit));
  const bool compared = std::ranges::any_of(chart.bars, [](const Bar& bar) { return bar.reference.has_value(); });
  if (compared)
    out.add(
        "<span class=\"legend\"><span class=\"curve0\"><i class=\"box\"></i>e5v</span>"
        "<span><i class=\"stroke\"></i>{}</span></span>",
        html_escaped(chart.reference_name));
  out.add("</figcaption>\n");
}

void add_bar(Writer& out, const Bar& bar, double high) {
  out.add("<div class=\"row\"><span class=\"name\">{}</span><span class=\"rail\">", html_escaped(bar.name));
  const bool finite = std::isfinite(bar.value);
  if (finite) out.add("<i style=\"width:{:.2f}%\"></i>", place(bar.value, high));
  if (bar.reference)
    out.add("<b style=\"left:{:.2f}%\" title=\"{:.2f}\"></b>", place(*bar.reference, high), *bar.reference);
  out.add("</span><span class=\"value\">{}</span></div>\n", finite ? fmt::format("{:.2f}", bar.value) : "-");
}

/// Ticks below the rails: a row like the others.
void add_scale(Writer& out, double high) {
  const std::vector<double> ticks = round_ticks(0, high, 6);
  const std::vector<std::string> texts = tick_texts(ticks);
  out.add("<div class=\"row scale\" aria-hidden=\"true\"><span class=\"name\"></span><span class=\"rail\">");
  for (std::size_t i = 0; i < ticks.size(); ++i)
    out.add("<u style=\"left:{:.2f}%\">{}</u>", place(ticks[i], high), texts[i]);
  out.add("</span><span class=\"value\"></span></div>\n");
}

}  // namespace

std::string html_of(const BarChart& chart) {
  Writer out;
  out.add("<figure>\n");
  add_caption(out, chart);
  out.add("<div class=\"bars\">\n");
  for (const Bar& bar : chart.bars) add_bar(out, bar, chart.high);
  add_scale(out, chart.high);
  out.add("</div>\n</figure>\n");
  return out.take();
}

}  // namespace e5v::report
