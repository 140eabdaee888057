#include "workflows/report/html.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace temper {

namespace {

constexpr const char* kColors = R"(
:root { --page: #fcfcfb; --panel: #fff; --text: #1b1d21; --soft: #5c626c; --rule: #e2e3e6; --good: #1a7f4b; --bad: #b3261e;
  --c0: #2f6fdf; --c1: #d9600f; --c2: #6b7280; --c3: #16866a; --c4: #8e44c9; --c5: #a8720a; color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14161a; --panel: #1c1f25; --text: #e9eaed; --soft: #a2a8b3; --rule: #333842; --good: #57c98b; --bad: #ff8a80;
    --c0: #79a8ff; --c1: #ff9a52; --c2: #a2a8b3; --c3: #4fc9a4; --c4: #c596f2; --c5: #e0b04a; } }
)";

constexpr const char* kChartStyle = R"(
.chart { display: block; width: 100%; height: auto; font: 12px system-ui, "DejaVu Sans", sans-serif; overflow: visible; }
.chart .grid { stroke: var(--rule); } .chart .axis { stroke: var(--soft); } .chart .tick { fill: var(--soft); }
.chart .right { text-anchor: end; } .chart .middle { text-anchor: middle; } .chart .end { font-weight: 600; }
.line path { fill: none; stroke: currentColor; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.line circle { fill: currentColor; } .line.dashed path { stroke-dasharray: 5 5; } .line.dotted path { stroke-dasharray: 1 4; }
.line.c0 { color: var(--c0); } .line.c1 { color: var(--c1); } .line.c2 { color: var(--c2); } .line.c3 { color: var(--c3); }
.line.c4 { color: var(--c4); } .line.c5 { color: var(--c5); }
.end.c0 { fill: var(--c0); } .end.c1 { fill: var(--c1); } .end.c2 { fill: var(--c2); } .end.c3 { fill: var(--c3); }
.end.c4 { fill: var(--c4); } .end.c5 { fill: var(--c5); }
)";

constexpr const char* kStyle = R"(
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .75rem; }
p { margin: .25rem 0 .75rem; }
a { color: var(--c0); }
.soft, figcaption { color: var(--soft); font-size: .875rem; }
figure { margin: 0; }
figcaption { margin-top: .35rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0 0; padding: 0; }
.tile { background: var(--panel); border: 1px solid var(--rule); border-radius: .6rem; padding: .7rem .9rem .85rem; }
.tile dt { color: var(--soft); font-size: .875rem; }
.tile dd { margin: 0; font-size: 1.9rem; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile dd small { font-size: 1rem; font-weight: 400; color: var(--soft); }
.meter { display: block; height: .3rem; border-radius: .15rem; background: var(--rule); margin-top: .4rem; overflow: hidden; }
.meter i { display: block; height: 100%; background: currentColor; }
.b0 { color: var(--c0); } .b1 { color: var(--c1); } .b2 { color: var(--c2); } .b3 { color: var(--c3); } .b4 { color: var(--c4); }
.b5 { color: var(--c5); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
.table > figcaption { margin: 0 0 .4rem; }
th, td { text-align: left; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
thead th { color: var(--soft); font-weight: 500; font-size: .875rem; }
tbody th { font-weight: 600; white-space: nowrap; }
td.num, th.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.bar { min-width: 6.5rem; font-variant-numeric: tabular-nums; }
td code { overflow-wrap: anywhere; }
.best { font-weight: 700; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.25rem; }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: .9rem; }
.example { background: var(--panel); border: 1px solid var(--rule); border-radius: .6rem; padding: .7rem .8rem .8rem; }
.example h3 { margin: 0 0 .45rem; font-size: .9375rem; }
.triple { display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem; }
.triple img { display: block; width: 100%; image-rendering: pixelated; border-radius: .25rem; background: #808080; }
.triple figcaption { font-size: .8125rem; line-height: 1.3; overflow-wrap: anywhere; }
.right-answer { color: var(--good); font-weight: 600; } .wrong-answer { color: var(--bad); font-weight: 600; }
.matrix td { padding: .35rem .5rem .35rem 0; border: 0; text-align: left; } .matrix th { border: 0; padding: .35rem .75rem .35rem 0; }
.matrix img { display: block; width: 4.5rem; image-rendering: pixelated; border-radius: .25rem; }
.matrix td > span { font-size: .8125rem; display: block; max-width: 5.5rem; line-height: 1.25; margin-top: .2rem; }
pre { background: var(--panel); border: 1px solid var(--rule); border-radius: .6rem; padding: .8rem 1rem; overflow-x: auto;
  font: .8125rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; margin: .5rem 0; }
details { margin: .5rem 0; } summary { cursor: pointer; font-weight: 600; }
@media (max-width: 34rem) { .tiles { grid-template-columns: 1fr 1fr; } main { padding: 1rem .9rem 2rem; } h1 { font-size: 1.4rem; } .tile dd { font-size: 1.5rem; } }
@media print { :root { --page: #fff; } .example, .tile, tr, .charts figure { break-inside: avoid; } h2, h3, .table > figcaption { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
)";

}  // namespace

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += c;
  }
  return out;
}

std::string chart_style() { return std::string(kColors) + kChartStyle + ".chart { background: var(--page); }\n"; }

std::string html_page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
         "'unsafe-inline'\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
         escape(title) + "</title>\n<style>" + kColors + kStyle + kChartStyle + "</style>\n</head>\n<body>\n<main>\n" +
         body + "</main>\n</body>\n</html>\n";
}

std::string section(const std::string& heading, const std::string& body) {
  if (body.empty()) return "";
  return "<section>\n<h2>" + escape(heading) + "</h2>\n" + body + "</section>\n";
}

std::string bar_cell(double percent, int color) {
  return fmt::format("<td class=\"bar\">{:.2f}<span class=\"meter b{}\"><i style=\"width:{:.1f}%\"></i></span></td>",
                     percent, color, std::clamp(percent, 0.0, 100.0));
}

std::string captioned_table(const std::string& caption, const std::string& rows) {
  return "<figure class=\"table\"><figcaption>" + escape(caption) + "</figcaption>\n<div class=\"scroll\"><table>" +
         rows + "</table></div></figure>\n";
}

std::string key_value_table(const std::string& caption, const std::vector<std::pair<std::string, std::string>>& rows) {
  if (rows.empty()) return "";
  std::string out = "<tbody>\n";
  for (const auto& [key, value] : rows)
    out += "<tr><th scope=\"row\">" + escape(key) + "</th><td><code>" + escape(value) + "</code></td></tr>\n";
  return captioned_table(caption, out + "</tbody>");
}

}  // namespace temper
