#include "workflows/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/runtime/check.h"
#include "workflows/report/html.h"

namespace temper {

namespace {

constexpr double kWidth = 576, kHeight = 300, kLeft = 68, kRight = 118, kTop = 14, kBottom = 44;

struct Range {
  double low = 0, high = 1;
  double at(double v, double from, double to) const { return from + (v - low) / (high - low) * (to - from); }
};

// Differences of what is drawn are finite, and steps of a 2^53th of it are there.
bool drawable(double v) { return std::abs(v) < 1e300; }
bool finite(const std::pair<double, double>& p) { return drawable(p.first) && drawable(p.second); }

template <class Get>
std::optional<Range> range_of(const Chart& chart, Get get) {
  std::optional<Range> range;
  for (const Series& s : chart.series)
    for (const auto& p : s.points) {
      if (!finite(p)) continue;
      const double v = get(p);
      range = range ? Range{std::min(range->low, v), std::max(range->high, v)} : Range{v, v};
    }
  return range;
}

std::string end_value(double v, const std::string& unit) {
  if (!unit.empty()) return fmt::format("{:.1f}", v);
  return v != 0 && std::abs(v) < 0.01 ? fmt::format("{:.1e}", v) : fmt::format("{:.2f}", v);
}

// What the longest label at a line's end needs beyond the usual margin.
double extra_width(const Chart& chart) {
  size_t longest = chart.label_length;
  for (const Series& s : chart.series) longest = std::max(longest, s.name.size());
  longest += std::string(" 1.0e-03").size();
  return std::max(0.0, 7.4 * static_cast<double>(longest) + 9 - kRight);
}

// Whole epochs only: 1, 2, 3, ... or every k-th.
std::vector<double> whole_ticks(Range x) {
  constexpr int kMost = 8;
  const double every = std::max(1.0, std::ceil((x.high - x.low) / kMost));
  std::vector<double> ticks;
  for (int i = 0; i <= kMost && x.low + i * every <= x.high; ++i) ticks.push_back(x.low + i * every);
  return ticks;
}

const char* stroke_class(Series::Stroke stroke) {
  switch (stroke) {
    case Series::Stroke::dashed: return " dashed";
    case Series::Stroke::dotted: return " dotted";
    default: return "";
  }
}

std::string polyline(const Series& s, Range x, Range y) {
  std::string path, marks;
  bool pen_down = false;
  for (const auto& p : s.points) {
    if (!finite(p)) {
      pen_down = false;
      continue;
    }
    const double px = x.at(p.first, kLeft, kWidth - kRight), py = y.at(p.second, kHeight - kBottom, kTop);
    path += fmt::format("{}{:.1f} {:.1f} ", pen_down ? "L" : "M", px, py);
    pen_down = true;
    marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"><title>{}, {:g}: {:.4g}</title></circle>", px,
                         py, s.points.size() > 40 ? 1.5 : 3, escape(s.name), p.first, p.second);
  }
  return fmt::format("<g class=\"line c{}{}\"><path d=\"{}\"/>{}</g>\n", s.color, stroke_class(s.stroke), path, marks);
}

// Labels at the ends of the lines, moved until they do not overlap.
std::string end_labels(const Chart& chart, Range y) {
  struct Label {
    const Series* series;
    double y, value;
  };
  std::vector<Label> labels;
  for (const Series& s : chart.series) {
    const auto last = std::find_if(s.points.rbegin(), s.points.rend(), finite);
    if (last != s.points.rend()) labels.push_back({&s, y.at(last->second, kHeight - kBottom, kTop), last->second});
  }
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.y < b.y; });
  constexpr double kLabelGap = 15;
  double floor = kHeight - kBottom + kLabelGap;
  for (auto l = labels.rbegin(); l != labels.rend(); ++l) floor = l->y = std::min(l->y, floor - kLabelGap);
  double ceiling = kTop - kLabelGap;
  for (Label& l : labels) ceiling = l.y = std::max(l.y, ceiling + kLabelGap);
  std::string out;
  for (const Label& l : labels)
    out +=
        fmt::format("<text class=\"end c{}\" x=\"{:.0f}\" y=\"{:.1f}\">{} {}{}</text>\n", l.series->color,
                    kWidth - kRight + 9, l.y + 4, escape(l.series->name), end_value(l.value, chart.unit), chart.unit);
  return out;
}

}  // namespace

std::vector<double> nice_ticks(double low, double high, int about) {
  TEMPER_CHECK(std::isfinite(low) && std::isfinite(high) && low <= high, "nice_ticks: expected a finite range, got [",
               low, ", ", high, "]");
  constexpr double kNarrowest = 1e-300;
  if (high - low < kNarrowest) high = low + (std::abs(low) < kNarrowest ? 1 : std::abs(low) / 2);
  TEMPER_CHECK(std::isfinite(high - low), "nice_ticks: [", low, ", ", high, "] is wider than any number");
  const double raw = (high - low) / std::max(1, about), power = std::pow(10.0, std::floor(std::log10(raw)));
  double every = 10 * power;
  for (const double m : {5.0, 2.0, 1.0})
    if (m * power >= raw * (1 - 1e-9)) every = m * power;
  std::vector<double> ticks;
  const auto first = static_cast<int64_t>(std::floor(low / every + 1e-9));
  const auto last = static_cast<int64_t>(std::ceil(high / every - 1e-9));
  for (int64_t i = first; i <= last; ++i) ticks.push_back(static_cast<double>(i) * every);
  return ticks;
}

std::string line_chart(const Chart& chart) {
  std::optional<Range> x = range_of(chart, [](const auto& p) { return p.first; });
  std::optional<Range> y = range_of(chart, [](const auto& p) { return p.second; });
  if (!x || !y) return "";
  const double narrowest = std::max(1.0, 1e-9 * std::abs(x->low));
  if (x->high - x->low < 1e-3 * narrowest) x = Range{x->low - narrowest / 2, x->high + narrowest / 2};
  if (chart.y_range) y = Range{chart.y_range->first, chart.y_range->second};
  if (!chart.y_range && y->low > 0) y->low = 0;  // heights can be compared only from zero up
  const std::vector<double> ticks = nice_ticks(y->low, y->high);
  if (!chart.y_range) y = Range{ticks.front(), ticks.back()};

  std::string out = fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n<title>{}</title>\n",
      kWidth + extra_width(chart), kHeight, escape(chart.title), escape(chart.title));
  const double bottom = kHeight - kBottom, right = kWidth - kRight;
  for (const double t : ticks) {
    const double py = y->at(t, bottom, kTop);
    out += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text class=\"tick right\" "
        "x=\"{}\" y=\"{:.1f}\">{:g}{}</text>\n",
        kLeft, right, py, py, kLeft - 8, py + 4, std::abs(t) < 1e-12 ? 0.0 : t, chart.unit);
  }
  for (const double t : whole_ticks({std::ceil(x->low), std::floor(x->high)}))
    out += fmt::format("<text class=\"tick middle\" x=\"{:.1f}\" y=\"{}\">{:g}</text>\n", x->at(t, kLeft, right),
                       bottom + 18, t);
  out += fmt::format("<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>\n", kLeft, right, bottom, bottom);
  out += fmt::format("<text class=\"tick middle\" x=\"{:.1f}\" y=\"{}\">{}</text>\n", (kLeft + right) / 2, kHeight - 6,
                     escape(chart.x_label));
  if (!chart.y_label.empty())
    out += fmt::format("<text class=\"tick middle\" transform=\"translate(12 {:.1f}) rotate(-90)\">{}</text>\n",
                       (kTop + bottom) / 2, escape(chart.y_label));
  for (const Series& s : chart.series) out += polyline(s, *x, *y);
  return out + end_labels(chart, *y) + "</svg>\n";
}

std::string standalone_svg(const std::string& chart) {
  const std::string begin = "<svg ";
  TEMPER_CHECK(chart.rfind(begin, 0) == 0, "standalone_svg: expected an <svg> element, got '", chart.substr(0, 20),
               "'");
  std::string out = begin + "xmlns=\"http://www.w3.org/2000/svg\" " + chart.substr(begin.size());
  return out.insert(out.find('>') + 1, "\n<style>" + chart_style() + "</style>");
}

}  // namespace temper
