#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/text.h"
#include "workflows/report/html.h"
#include "workflows/report/measurement.h"
#include "workflows/report/page.h"
#include "workflows/report/parts.h"
#include "workflows/report/result_table.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

using namespace report;
using Runs = std::vector<RunReport>;

constexpr int kColors[] = {0, 1, 3, 4, 5, 2};  // of the runs, in order: grey comes last

std::string table(const std::vector<NamedRun>& runs, const ResultTable& results,
                  const std::vector<std::string>& links) {
  std::string out = "<thead><tr><th scope=\"col\">Method</th>";
  for (const ResultTable::Column& c : results.columns) out += "<th scope=\"col\">" + escape(c.heading) + "</th>";
  out += "<th scope=\"col\" class=\"num\">Training</th></tr></thead>\n<tbody>\n";
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::string name = escape(runs[i].name);
    out += "<tr><th scope=\"row\">" +
           (i < links.size() ? "<a href=\"" + escape(links[i]) + "\">" + name + "</a>" : name) + "</th>";
    for (const ResultTable::Column& c : results.columns) {
      const int color = c.heading.starts_with("NRR") ? 3 : c.key.starts_with("clean") ? 0 : 1;
      out += std::isnan(c.values[i]) ? "<td></td>" : bar_cell(c.values[i], color);
    }
    out += "<td class=\"num\">" + duration(runs[i].run->training.seconds) + "</td></tr>\n";
  }
  const std::string caption =
      "Accuracy in percent on " + (results.images.empty() ? "the test images" : results.images) + ".";
  out = captioned_table(caption, out + "</tbody>");
  for (const std::string& note : results.notes)
    out += "<p class=\"doubt\"><strong>Warning:</strong> " + escape(note) + "</p>\n";
  return out + nrr_note(results.nrr_attack);
}

// The attack behind the curves, which each run has from its own configuration.
std::string validation_attack(const RunReport& run) {
  const std::string section = "evaluation.validation.";
  std::vector<std::string> parts;
  for (const auto& [key, value] : run.settings)
    if (key.rfind(section, 0) == 0) parts.push_back(key.substr(section.size()) + " " + value);
  return join(parts);
}

template <class Get>
std::string curves(const std::vector<NamedRun>& runs, const std::string& title, const std::string& note, Get get) {
  Chart chart{.title = title, .x_label = "epoch", .y_label = "accuracy", .y_range = std::pair{0.0, 100.0}, .unit = "%"};
  for (size_t i = 0; i < runs.size(); ++i) {
    Series s{runs[i].name, kColors[i % std::size(kColors)], {}};
    for (const EpochRow& e : runs[i].run->curve)
      if (std::isfinite(get(e))) s.points.emplace_back(static_cast<double>(e.epoch), get(e));
    chart.series.push_back(s);
  }
  return figure(line_chart(chart), title + "." + (note.empty() ? "" : " " + note));
}

// One row a run, one column an image: what each network makes of the same picture, attacked for that network. Runs that
// were tested on other images than the first, or attacked in another way, have no row.
std::string examples(const std::vector<NamedRun>& all) {
  std::vector<NamedRun> runs;
  size_t count = 8;
  const RunReport& first = *all.front().run;
  for (const NamedRun& r : all) {
    if (!same_examples(first, *r.run)) continue;
    runs.push_back(r);
    count = std::min(count, r.run->examples.images.size());
  }
  if (count == 0) return "";
  std::string out = fmt::format(
      "<p class=\"soft\">The same test images under {}, attacked for each network in turn. ✓ and ✗ "
      "mark its answer.</p>\n<div class=\"scroll\"><table class=\"matrix\"><tbody>\n<tr><th scope=\"row\">"
      "clean</th>",
      escape(shown(first.examples.attack)));
  for (size_t k = 0; k < count; ++k) {
    const Example& e = first.examples.images[k];
    out += "<td>" + image(e.clean, e.truth) + "<span>" + escape(e.truth) + "</span></td>";
  }
  out += "</tr>\n";
  for (const NamedRun& r : runs) {
    out += "<tr><th scope=\"row\">" + escape(r.name) + "</th>";
    for (size_t k = 0; k < count; ++k) {
      const Example& e = r.run->examples.images[k];
      out += "<td>" + image(e.attacked, e.truth + " attacked for " + r.name) + "<span>" +
             answer(e.attacked_label, e.truth, e.attacked_confidence) + "</span></td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string differences(const std::vector<NamedRun>& runs) {
  std::vector<std::string> keys;
  std::map<std::string, std::vector<std::string>> values;
  for (size_t i = 0; i < runs.size(); ++i)
    for (const auto& [key, value] : runs[i].run->settings) {
      if (!values.count(key)) {
        keys.push_back(key);
        values[key].resize(runs.size());
      }
      values[key][i] = value;
    }
  std::string rows;
  for (const std::string& key : keys) {
    const std::vector<std::string>& v = values[key];
    if (std::all_of(v.begin(), v.end(), [&](const std::string& x) { return x == v.front(); })) continue;
    rows += "<tr><th scope=\"row\">" + escape(key) + "</th>";
    for (const std::string& x : v) rows += "<td><code>" + escape(x) + "</code></td>";
    rows += "</tr>\n";
  }
  if (rows.empty()) return "";
  std::string head;
  for (const NamedRun& r : runs) head += "<th scope=\"col\">" + escape(r.name) + "</th>";
  return captioned_table(
      "Only what differs; everything else is the same.",
      "<thead><tr><th scope=\"col\">Key</th>" + head + "</tr></thead>\n<tbody>\n" + rows + "</tbody>");
}

// What all runs share of data, model, size and device.
std::string about(const Runs& runs) {
  std::vector<std::string> parts;
  const auto shared = [&](auto value) {
    const std::string first = value(runs.front());
    const bool all = std::all_of(runs.begin(), runs.end(), [&](const RunReport& r) { return value(r) == first; });
    if (all && !first.empty()) parts.push_back(first);
  };
  shared([](const RunReport& r) { return r.data; });
  shared([](const RunReport& r) { return r.model; });
  shared([](const RunReport& r) { return grouped(r.training.images_train) + " training images"; });
  shared([](const RunReport& r) { return r.device; });
  return join(parts, " · ");
}

std::string commands(const Runs& runs) {
  std::string out;
  for (const RunReport& run : runs)
    if (!run.command.empty()) out += escape(run.command) + "\n";
  return out.empty() ? "" : "<pre>" + out + "</pre>\n";
}

}  // namespace

std::string comparison_page(const std::string& title, const Runs& runs, const std::vector<std::string>& links) {
  TEMPER_CHECK(!runs.empty(), "comparison_page: no runs to compare");
  const std::vector<NamedRun> named = named_by_method(runs);
  std::string body =
      "<header><h1>" + escape(title) + "</h1>\n<p class=\"soft\">" + escape(about(runs)) + "</p></header>\n";
  body += section("Accuracy", table(named, result_table(named), links) + doubts(runs) + attack_list(runs));
  const std::string other_attacks = said_where_different("the attack of these curves", named, validation_attack);
  const std::string charts =
      curves(named, "Clean accuracy on the validation images", "", [](const EpochRow& e) { return e.clean; }) +
      curves(named, "Robust accuracy on the validation images", other_attacks,
             [](const EpochRow& e) { return e.robust; });
  body += section("Training", charts.empty() ? "" : "<div class=\"charts\">" + charts + "</div>\n");
  body += section("Examples", examples(named));
  body += section("Settings", differences(named));
  body += section("Repeat it", commands(runs));
  body += section("Environment", key_value_table("Where the first of them ran.", runs.front().environment));
  return html_page(title + " · Temper", body);
}

}  // namespace temper
