#include "workflows/report/bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "workflows/report/html.h"
#include "workflows/report/svg.h"

namespace temper {

std::string bar_chart(const Bars& bars) {
  double low = 0, high = 0;
  bool any = false;
  for (const Bars::Group& g : bars.groups)
    for (const double v : g.values)
      if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v), any = true;
  if (!any) return "";

  size_t longest = 0;
  for (const std::string& c : bars.categories) longest = std::max(longest, c.size());
  const auto count = static_cast<double>(bars.categories.size()), sets = static_cast<double>(bars.groups.size());
  constexpr double kLeft = 68, kRight = 90, kTop = 14, kPlot = 240, kCharacter = 6.2;
  const double plot_width = std::max(418.0, 14 * count), slot = plot_width / count;
  const bool slanted = kCharacter * static_cast<double>(longest) > slot - 4;
  const double below = slanted ? 20 + 0.75 * kCharacter * static_cast<double>(longest) : 28;
  const double bottom = kTop + kPlot, right = kLeft + plot_width;
  const std::vector<double> ticks = nice_ticks(low, high);
  const auto y = [&](double v) { return bottom - (v - ticks.front()) / (ticks.back() - ticks.front()) * kPlot; };

  std::string out = fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n<title>{}</title>\n",
      right + kRight, bottom + below, escape(bars.title), escape(bars.title));
  for (const double t : ticks)
    out += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text class=\"tick right\" "
        "x=\"{}\" y=\"{:.1f}\">{:g}{}</text>\n",
        kLeft, right, y(t), y(t), kLeft - 8, y(t) + 4, std::abs(t) < 1e-12 ? 0.0 : t, bars.unit);
  if (!bars.y_label.empty())
    out += fmt::format("<text class=\"tick middle\" transform=\"translate(12 {:.1f}) rotate(-90)\">{}</text>\n",
                       kTop + kPlot / 2, escape(bars.y_label));
  const double width = 0.8 * slot / sets;
  for (size_t g = 0; g < bars.groups.size(); ++g) {
    const Bars::Group& group = bars.groups[g];
    out += fmt::format("<g class=\"line c{}\">", group.color);
    for (size_t i = 0; i < group.values.size() && i < bars.categories.size(); ++i) {
      const double v = group.values[i];
      if (!std::isfinite(v)) continue;
      const double x = kLeft + slot * static_cast<double>(i) + 0.1 * slot + width * static_cast<double>(g);
      out += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"currentColor\"><title>{}, {}: "
          "{:.4g}{}</title></rect>",
          x, y(std::max(v, 0.0)), width, std::abs(y(0) - y(v)), escape(bars.categories[i]), escape(group.name), v,
          bars.unit);
    }
    out += fmt::format("</g>\n<text class=\"end c{}\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n", group.color, right + 9,
                       kTop + 12 + 16 * static_cast<double>(g), escape(group.name));
  }
  for (size_t i = 0; i < bars.categories.size(); ++i) {
    const double x = kLeft + slot * (static_cast<double>(i) + 0.5);
    out += slanted ? fmt::format(
                         "<text class=\"tick right\" transform=\"translate({:.1f} {:.1f}) rotate(-45)\">{}</text>\n",
                         x + 4, bottom + 12, escape(bars.categories[i]))
                   : fmt::format("<text class=\"tick middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x, bottom + 18,
                                 escape(bars.categories[i]));
  }
  return out + fmt::format("<line class=\"axis\" x1=\"{}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n</svg>\n",
                           kLeft, right, y(0), y(0));
}

}  // namespace temper
