#include "eval/page.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/progress.h"
#include "eval/image_thumbnails.h"
#include "report/bars.h"
#include "report/page.h"
#include "report/scatter.h"
#include "report/writer.h"

namespace e5v::eval {
namespace {

using report::html_escaped, report::Writer;

constexpr const char* kPaperName = "E5-V in the paper";

constexpr std::string_view kStyle = R"(
.examples { display: grid; gap: 10px; }
.example { display: grid; grid-template-columns: 220px 1fr; gap: 18px; align-items: start; padding: 12px 14px; }
.query p, .found p { margin: 0 0 4px; overflow-wrap: anywhere; }
.example small { display: block; color: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.list { display: grid; gap: 8px; grid-template-columns: repeat(auto-fit, minmax(116px, 1fr)); }
.found { padding: 4px; border: 2px solid transparent; border-radius: 9px; min-width: 0; }
.found p { font-size: 13px; }
.found.right { border-color: var(--curve2); } .found.right small { color: var(--curve2); }
.image { display: block; height: 124px; margin-bottom: 5px; border-radius: 5px; background-color: var(--rail);
  background-repeat: no-repeat; background-position: center; background-size: contain; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }
.query .image { height: 150px; }
td small { display: block; color: var(--soft); font-size: 12px; white-space: nowrap; }
table.pairs td { vertical-align: top; } table.pairs :is(th, td):nth-child(2) { text-align: left; }
table.pairs :is(th, td):nth-child(n + 3) { white-space: nowrap; width: 1px; } table.pairs p { margin: 0; }
.pairs .image { width: 124px; }
td a { color: inherit; text-decoration-color: var(--axis); text-underline-offset: 3px; }
.summary td { white-space: nowrap; } .summary td:first-child, .summary small { white-space: normal; }
p.note { margin: -4px 0 8px; font-size: 13px; color: var(--soft); }
@media (max-width: 760px) {
  .example { grid-template-columns: 1fr; gap: 12px; }
  .list { grid-template-columns: repeat(3, 1fr); }
  .list .image { height: 84px; }
}
)";

/// A number with two decimals; `none` when there is no number.
std::string number_text(std::optional<double> value, const char* none = "") {
  if (!value) return none;
  return std::isfinite(*value) ? fmt::format("{:.2f}", *value) : "undefined";
}

bool has_paper(std::span<const Figure> figures) {
  return std::ranges::any_of(figures, [](const Figure& f) { return f.paper.has_value(); });
}

/// The table cells with the paper's figure and the difference.
void add_comparison(Writer& out, const Figure& figure) {
  if (!figure.paper) {
    out.add("<td></td><td></td>");
  } else if (!std::isfinite(figure.value)) {
    out.add("<td>{:.2f}</td><td></td>", *figure.paper);
  } else {
    const double difference = figure.value - *figure.paper;
    out.add("<td>{:.2f}</td><td class=\"{}\">{:+.2f}</td>", *figure.paper, difference < 0 ? "worse" : "better",
            difference);
  }
}

void add_table(Writer& out, const Result& result) {
  const bool paper = has_paper(result.figures);
  const bool ties = std::ranges::any_of(result.figures, [](const Figure& f) { return f.optimistic.has_value(); });
  out.add("<table>\n<tr><th>{}</th><th>e5v</th>", html_escaped(result.unit));
  if (paper) out.add("<th>{}</th><th>difference</th>", kPaperName);
  if (ties) out.add("<th>ties as wins</th>");
  out.add("</tr>\n");
  for (const Figure& figure : result.figures) {
    out.add("<tr><td>{}</td><td>{}</td>", html_escaped(figure.name), number_text(figure.value));
    if (paper) add_comparison(out, figure);
    if (ties) out.add("<td>{}</td>", number_text(figure.optimistic));
    out.add("</tr>\n");
  }
  out.add("</table>\n");
}

void add_bars(Writer& out, const Result& result) {
  report::BarChart chart{.title = "Results", .reference_name = kPaperName};
  for (const Figure& figure : result.figures) chart.bars.push_back({figure.name, figure.value, figure.paper});
  out.add("{}", html_of(chart));
}

/// The table and the bars next to it.
void add_figures(Writer& out, const Result& result) {
  if (result.figures.empty()) return;
  out.add("<div class=\"charts\" style=\"--columns:{}\"><div class=\"card\">\n", result.in_percent ? 2 : 1);
  add_table(out, result);
  out.add("</div>\n");
  if (result.in_percent) add_bars(out, result);
  out.add("</div>\n");
}

void add_shown(Writer& out, const Shown& shown, ImageThumbnails& thumbnails) {
  if (!shown.image.empty()) out.add("{}", thumbnails.html_of(shown.image));
  if (!shown.text.empty()) out.add("<p>{}</p>", html_escaped(shown.text));
}

void add_examples(Writer& out, const char* title, const std::vector<Example>& examples, ImageThumbnails& thumbnails) {
  if (examples.empty()) return;
  out.add("<h3>{}</h3>\n<div class=\"examples\">\n", title);
  for (const Example& example : examples) {
    out.add("<div class=\"card example\"><div class=\"query\">");
    add_shown(out, example.query, thumbnails);
    out.add("<small>rank of the right candidate: {}</small></div>\n<div class=\"list\">\n", example.rank);
    for (const Example::Found& found : example.found) {
      out.add("<div class=\"found{}\">", found.right ? " right" : "");
      add_shown(out, found.candidate, thumbnails);
      out.add("<small>{:.3f}{}</small></div>\n", found.score, found.right ? ", right" : "");
    }
    out.add("</div></div>\n");
  }
  out.add("</div>\n");
}

void add_judged(Writer& out, const char* title, const std::vector<JudgedPair>& pairs, ImageThumbnails& thumbnails) {
  if (pairs.empty()) return;
  out.add(
      "<h3>{}</h3>\n<p class=\"note\">Upper number: the share of the task's other pairs that are less similar. Lower "
      "number: the score of people, or the cosine of the model.</p>\n",
      title);
  out.add("<div class=\"card\"><table class=\"pairs\">\n<tr><th>first</th><th>second</th>");
  out.add("<th>people</th><th>model</th></tr>\n");
  for (const JudgedPair& pair : pairs) {
    out.add("<tr>");
    for (const Shown* side : {&pair.first, &pair.second}) {
      out.add("<td>");
      add_shown(out, *side, thumbnails);
      out.add("</td>");
    }
    out.add("<td>{:.0f} %<small>{:g}</small></td><td>{:.0f} %<small>{:.3f}</small></td>", 100 * pair.gold_place,
            pair.gold, 100 * pair.place, pair.score);
    out.add("</tr>\n");
  }
  out.add("</table></div>\n");
}

void add_space(Writer& out, const SpacePlot& space) {
  report::Scatter scatter{.title = "Vector space", .note = space.note};
  for (const SpacePlot::Cloud& cloud : space.clouds) {
    report::Cloud points{cloud.name};
    for (const auto& [x, y] : cloud.points) points.points.push_back({x, y});
    scatter.clouds.push_back(std::move(points));
  }
  out.add("<h3>Vectors of both modalities in two dimensions</h3>\n{}", html_of(scatter));
}

std::string fact(const Result& result, std::string_view name) {
  const auto found = std::ranges::find(result.facts, name, &std::pair<std::string, std::string>::first);
  return found == result.facts.end() ? "" : found->second;
}

/// The source of a result's vectors: the last part of the model's path, or the files.
std::string source_of(const Result& result) {
  const std::string model = fact(result, "model"), adapter = fact(result, "adapter");
  const auto name = [](const std::string& path) { return std::filesystem::path(path).filename().string(); };
  if (model.empty()) return fact(result, "vectors");
  return adapter.empty() ? name(model) : name(model) + " + " + adapter;
}

/// A summary of several evaluations. Each row has a link to the section below.
void add_summary(Writer& out, std::span<const Result> results) {
  std::vector<Figure> all;
  std::set<std::string> sources;
  for (const Result& result : results) {
    std::ranges::move(headlines(result), std::back_inserter(all));
    sources.insert(source_of(result));
  }
  const bool paper = has_paper(all), compared = sources.size() > 1;
  out.add("<div class=\"card\"><table class=\"summary\">\n<tr><th>evaluation</th>{}<th>e5v</th>{}</tr>\n",
          compared ? "<th>model</th>" : "",
          paper ? fmt::format("<th>{}</th><th>difference</th>", kPaperName) : std::string());
  report::BarChart chart{.title = "Summary", .reference_name = kPaperName};
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string source = compared ? source_of(results[i]) : "";
    for (const Figure& figure : headlines(results[i])) {
      out.add("<tr><td><a href=\"#evaluation{}\">{}</a><small>{}</small></td>", i, html_escaped(results[i].title),
              html_escaped(figure.name));
      if (compared) out.add("<td>{}</td>", html_escaped(source));
      out.add("<td>{}</td>", number_text(figure.value));
      if (paper) add_comparison(out, figure);
      out.add("</tr>\n");
      if (results[i].in_percent)
        chart.bars.push_back({fmt::format("{}, {}{}{}", results[i].title, figure.name, compared ? ", " : "", source),
                              figure.value, figure.paper});
    }
  }
  out.add("</table></div>\n");
  if (!chart.bars.empty()) out.add("<div class=\"charts\" style=\"--columns:1\">{}</div>\n", html_of(chart));
}

void add_result(Writer& out, const Result& result, std::size_t index, ImageThumbnails& thumbnails) {
  out.add("<section id=\"evaluation{}\">\n<h2 class=\"section\">{}</h2>\n", index, html_escaped(result.title));
  out.add("<p class=\"subtitle\">{} vectors computed, {} reused, {}</p>\n", result.computed, result.reused,
          duration_text(result.seconds));
  out.add("{}", report::facts_html(result.facts));
  add_figures(out, result);
  if (result.space) add_space(out, *result.space);
  add_examples(out, "Queries with the best ranks", result.best, thumbnails);
  add_examples(out, "Queries with the worst ranks", result.worst, thumbnails);
  add_judged(out, "Pairs on which people and the model agree", result.agreed, thumbnails);
  add_judged(out, "Pairs on which people and the model differ most", result.disagreed, thumbnails);
  out.add("</section>\n");
}

}  // namespace

std::string page_of(std::span<const Result> results) {
  Writer out;
  ImageThumbnails thumbnails;
  if (results.size() > 1) add_summary(out, results);
  for (std::size_t i = 0; i < results.size(); ++i) add_result(out, results[i], i, thumbnails);
  std::string subtitle = results.size() == 1 ? "" : fmt::format("{} evaluations. ", results.size());
  if (std::ranges::any_of(results, [](const Result& r) { return has_paper(r.figures); }))
    subtitle += "The paper is arXiv:2407.12580.";
  return report::page("Evaluation by e5v", subtitle, out.take(), std::string(kStyle) + thumbnails.style());
}

}  // namespace e5v::eval
