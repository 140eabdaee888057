#pragma once
// Grouped bars as inline SVG, for reports.
#include <string>
#include <vector>

namespace temper {

struct Bars {
  struct Group {
    std::string name;
    int color = 0;               ///< 0..5: the page's colours of that number
    std::vector<double> values;  ///< one for each category; no bar if it is not finite
  };
  std::string title, y_label;
  std::vector<std::string> categories;
  std::vector<Group> groups;
  std::string unit;  ///< written behind values: "%" or nothing
};

/// The chart as one <svg> element: for every category one bar per group, with tooltips, from zero up or down. Long or
/// many category names are slanted. Returns "" if no value is finite.
std::string bar_chart(const Bars& bars);

}  // namespace temper
