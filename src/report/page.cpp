#include "report/page.h"

#include "report/writer.h"

namespace e5v::report {
namespace {

constexpr std::string_view kStyle = R"(
* { box-sizing: border-box; }
:root { color-scheme: light dark; --page: #f7f7f5; --card: #ffffff; --line: #e3e2de; --axis: #b9b8b2; --text: #16161a;
  --soft: #6a6963; --rail: #ecebe7; --curve0: #2a6fd6; --curve1: #d9622b; --curve2: #1b8f6a; }
@media (prefers-color-scheme: dark) {
  :root { --page: #131314; --card: #1c1c1e; --line: #313134; --axis: #5b5b60; --text: #ececee; --soft: #9c9ca3;
    --rail: #2a2a2d; --curve0: #5b9bf2; --curve1: #ee8650; --curve2: #45bd93; }
}
figure { margin: 0; padding: 16px 18px 8px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
figcaption { display: flex; flex-wrap: wrap; gap: 2px 16px; align-items: baseline; margin-bottom: 6px; }
figcaption h2 { font-size: 15px; font-weight: 600; margin: 0; }
figcaption h2 small { font-size: 13px; font-weight: 400; color: var(--soft); }
.legend { margin-left: auto; display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 13px; color: var(--soft); }
.legend i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px;
  vertical-align: middle; background: var(--curve); }
.legend b { font-weight: 600; color: var(--text); font-variant-numeric: tabular-nums; }
.curve0 { --curve: var(--curve0); } .curve1 { --curve: var(--curve1); } .curve2 { --curve: var(--curve2); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--axis); stroke-width: 1; }
svg .mark { stroke: var(--axis); stroke-width: 1; stroke-dasharray: 3 4; }
svg .line { fill: none; stroke: var(--curve); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
svg .dot { fill: var(--curve); stroke: var(--card); stroke-width: 1.5; }
svg .faint { fill: var(--curve); opacity: 0.28; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 28px 24px 40px; }
h1 { font-size: 24px; font-weight: 650; margin: 0 0 2px; letter-spacing: -0.01em; }
.subtitle { margin: 0 0 18px; color: var(--soft); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 12px 24px; margin: 0 0 18px;
  padding: 14px 18px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
dt { font-size: 12px; color: var(--soft); }
dl .wide { grid-column: span 2; }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.charts { display: grid; gap: 16px; margin-top: 16px; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); }
@media (max-width: 760px) { .charts { grid-template-columns: minmax(0, 1fr); } }
h2.section { font-size: 19px; font-weight: 650; margin: 36px 0 4px; padding-top: 20px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; font-weight: 600; margin: 24px 0 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--line); }
th { font-size: 12px; font-weight: 500; color: var(--soft); }
th:first-child, td:first-child { text-align: left; }
tr:last-child td { border-bottom: 0; }
.better { color: var(--curve2); } .worse { color: var(--curve1); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; overflow-x: auto; }
.legend i.box { height: 10px; } .legend i.stroke { width: 2px; height: 14px; background: var(--text); }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 7px 12px; align-items: center;
  padding-bottom: 8px; font-variant-numeric: tabular-nums; }
.bars .row { display: contents; }
.bars .name { text-align: right; font-size: 13px; } .bars .value { text-align: right; font-size: 13px; }
.bars .rail { position: relative; height: 14px; background: var(--rail); border-radius: 3px; }
.bars .rail i { position: absolute; inset: 0 auto 0 0; background: var(--curve0); border-radius: 3px; }
.bars .rail b { position: absolute; top: -3px; bottom: -3px; width: 2px; margin-left: -1px; background: var(--text); }
.bars .scale .rail { background: none; border-top: 1px solid var(--axis); border-radius: 0; height: 20px; }
.bars .rail u { position: absolute; top: 3px; transform: translateX(-50%); font-size: 12px; color: var(--soft);
  text-decoration: none; }
svg .point { fill: var(--curve); opacity: 0.5; }
@media (max-width: 760px) {
  main { padding: 20px 14px 32px; }
  svg .point { r: 6px; }
  figure { padding: 14px 14px 6px; }
  dl { grid-template-columns: 1fr 1fr; gap: 10px 14px; }
  .bars { grid-template-columns: 1fr max-content; gap: 2px 10px; }
  .bars .name { grid-column: 1 / -1; text-align: left; margin-top: 5px; }
  .bars .scale .name { display: none; }
  th, td { padding: 5px 6px; }
}
)";

constexpr std::string_view kMark =
    "<link rel=\"icon\" href=\"data:,\">\n<style>";  // all pages have it, and hardly another

constexpr std::size_t kWideFact = 22;  // bytes that need more than one column

}  // namespace

std::string page(std::string_view title, std::string_view subtitle, std::string_view body, std::string_view style) {
  const std::string name = html_escaped(title);
  Writer out;
  out.add(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n"
      "{}{}{}</style>\n</head>\n",
      name, kMark, kStyle, style);
  out.add("<body>\n<main>\n<h1>{}</h1>\n<p class=\"subtitle\">{}</p>\n{}</main>\n</body>\n</html>\n", name,
          html_escaped(subtitle), body);
  return out.take();
}

bool is_page(std::string_view text) {
  constexpr std::size_t kHead = 4096;
  return text.starts_with("<!DOCTYPE html>") && text.substr(0, kHead).find(kMark) != std::string_view::npos;
}

std::string facts_html(std::span<const std::pair<std::string, std::string>> facts) {
  if (facts.empty()) return "";
  Writer out;
  out.add("<dl>\n");
  for (const auto& [name, value] : facts)
    out.add("<div{}><dt>{}</dt><dd>{}</dd></div>\n", value.size() > kWideFact ? " class=\"wide\"" : "",
            html_escaped(name), html_escaped(value));
  out.add("</dl>\n");
  return out.take();
}

std::string data_uri(std::string_view type, std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string uri = fmt::format("data:{};base64,", type);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) uri += k <= group.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return uri;
}

std::string html_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

}  // namespace e5v::report
