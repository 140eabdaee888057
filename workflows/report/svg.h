#pragma once
// Line charts as inline SVG, for reports.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace temper {

/// Round tick positions (1, 2 or 5 times a power of ten apart) that cover [low, high]: the first is <= low, the last is
/// >= high. At least two. Throws Error unless low and high are finite.
std::vector<double> nice_ticks(double low, double high, int about = 5);

/// One line of a chart. Points that are not finite break the line.
struct Series {
  std::string name;
  int color = 0;  ///< 0..5: the page's colours of that number
  std::vector<std::pair<double, double>> points;
  enum class Stroke : uint8_t { solid, dashed, dotted };
  Stroke stroke = Stroke::solid;
};

struct Chart {
  std::string title, x_label, y_label;
  std::vector<Series> series;
  std::optional<std::pair<double, double>> y_range;  ///< empty: fits the points
  std::string unit;                                  ///< written behind y values: "%" or nothing
  size_t label_length = 0;  ///< minimal space for names, in characters, so that charts side by side have one size
};

/// The chart as one <svg> element: axes, grid, lines with markers and tooltips, each line labelled at its end. Colours
/// come from the page's style sheet. Returns "" when no series has a finite point.
std::string line_chart(const Chart& chart);

/// A chart as an SVG file, including its style sheet.
std::string standalone_svg(const std::string& chart);

}  // namespace temper
