#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "evaluation/report_html.h"
#include "evaluation/report_page.h"
#include "evaluation/report_parts.h"
#include "evaluation/report_svg.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

using namespace report;
using Runs = std::vector<RunReport>;

constexpr int kColors[] = {0, 1, 3, 4, 5, 2};  // of the runs, in order: grey comes last

std::vector<std::string> labels_of(const Runs& runs) {
  std::vector<std::string> labels;
  for (const RunReport& run : runs)
    for (const ReportRow& row : run.rows)
      if (std::find(labels.begin(), labels.end(), row.label) == labels.end()) labels.push_back(row.label);
  return labels;
}

// Runs are told apart by method where that is enough, else by folder.
std::vector<std::string> names_of(const Runs& runs) {
  std::map<std::string, int> count;
  for (const RunReport& run : runs) ++count[run.method];
  std::vector<std::string> names;
  for (const RunReport& run : runs) names.push_back(count[run.method] == 1 ? run.method : run.name);
  return names;
}

std::string table(const Runs& runs, const std::vector<std::string>& names, const std::vector<std::string>& links) {
  const std::vector<std::string> labels = labels_of(runs);
  std::string out = "<thead><tr><th scope=\"col\">Method</th>";
  for (const std::string& label : labels) out += "<th scope=\"col\">" + escape(shown(label)) + "</th>";
  out += "<th scope=\"col\">NRR</th><th scope=\"col\" class=\"num\">Training</th></tr></thead>\n<tbody>\n";
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::string link =
        i < links.size() ? "<a href=\"" + escape(links[i]) + "\">" + escape(names[i]) + "</a>" : escape(names[i]);
    out += "<tr><th scope=\"row\">" + link + "</th>";
    for (const std::string& label : labels) {
      const ReportRow* row = runs[i].find(label);
      out += row ? bar_cell(row->percent, label == "clean" ? 0 : 1) : "<td></td>";
    }
    out += std::isnan(runs[i].nrr) ? "<td></td>" : bar_cell(runs[i].nrr, 3);
    out += "<td class=\"num\">" + duration(runs[i].train_seconds) + "</td></tr>\n";
  }
  const std::string caption = fmt::format("Accuracy in percent on {} test images.", grouped(runs.front().images_test));
  return captioned_table(caption, out + "</tbody>") + doubts(runs) + nrr_note(runs.front()) + attack_list(runs);
}

template <class Get>
std::string curves(const Runs& runs, const std::vector<std::string>& names, const std::string& title, Get get) {
  Chart chart{.title = title, .x_label = "epoch", .y_label = "accuracy", .y_range = std::pair{0.0, 100.0}, .unit = "%"};
  for (size_t i = 0; i < runs.size(); ++i) {
    Series s{names[i], kColors[i % std::size(kColors)], {}};
    for (const ReportEpoch& e : runs[i].curve)
      if (std::isfinite(get(e))) s.points.emplace_back(static_cast<double>(e.epoch), get(e));
    chart.series.push_back(s);
  }
  return figure(line_chart(chart), title + ".");
}

// One row a run, one column an image: what each network makes of the same picture, attacked for that network.
std::string examples(const Runs& runs, const std::vector<std::string>& names) {
  size_t count = 8;
  for (const RunReport& run : runs) count = std::min(count, run.examples.size());
  if (count == 0) return "";
  std::string out = fmt::format(
      "<p class=\"soft\">The same test images under {}, attacked for each network in turn. ✓ and ✗ "
      "mark its answer.</p>\n<div class=\"scroll\"><table class=\"matrix\"><tbody>\n<tr><th scope=\"row\">"
      "clean</th>",
      escape(shown(runs.front().example_attack)));
  for (size_t k = 0; k < count; ++k) {
    const ReportExample& e = runs.front().examples[k];
    out += "<td>" + image(e.clean, e.truth) + "<span>" + escape(e.truth) + "</span></td>";
  }
  out += "</tr>\n";
  for (size_t i = 0; i < runs.size(); ++i) {
    out += "<tr><th scope=\"row\">" + escape(names[i]) + "</th>";
    for (size_t k = 0; k < count; ++k) {
      const ReportExample& e = runs[i].examples[k];
      out += "<td>" + image(e.attacked, e.truth + " attacked for " + names[i]) + "<span>" +
             answer(e.attacked_label, e.truth, e.attacked_confidence) + "</span></td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string differences(const Runs& runs, const std::vector<std::string>& names) {
  std::vector<std::string> keys;
  std::map<std::string, std::vector<std::string>> values;
  for (size_t i = 0; i < runs.size(); ++i)
    for (const auto& [key, value] : runs[i].settings) {
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
  for (const std::string& name : names) head += "<th scope=\"col\">" + escape(name) + "</th>";
  return captioned_table(
      "Only what differs; everything else is the same.",
      "<thead><tr><th scope=\"col\">Key</th>" + head + "</tr></thead>\n<tbody>\n" + rows + "</tbody>");
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
  const std::vector<std::string> names = names_of(runs);
  const RunReport& first = runs.front();
  std::string body = fmt::format("<header><h1>{}</h1>\n<p class=\"soft\">{} · {} · {} training images{}</p></header>\n",
                                 escape(title), escape(first.data), escape(first.model), grouped(first.images_train),
                                 first.device.empty() ? "" : " · " + escape(first.device));
  body += section("Accuracy", table(runs, names, links));
  const std::string charts =
      curves(runs, names, "Clean accuracy on the validation images", [](const ReportEpoch& e) { return e.clean; }) +
      curves(runs, names, "Robust accuracy on the validation images", [](const ReportEpoch& e) { return e.robust; });
  body += section("Training", charts.empty() ? "" : "<div class=\"charts\">" + charts + "</div>\n");
  body += section("Examples", examples(runs, names));
  body += section("Settings", differences(runs, names));
  body += section("Repeat it", commands(runs));
  body += section("Environment", key_value_table("Where the first of them ran.", first.environment));
  return html_page(title + " · Temper", body);
}

}  // namespace temper
