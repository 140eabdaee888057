#include "workflows/report/result_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/text.h"
#include "workflows/report/measurement.h"
#include "workflows/report/parts.h"

namespace temper {

namespace {

struct Found {
  Measurement of;
  std::vector<double> values;
};

// Columns of one label stand side by side.
std::vector<Found> find_columns(const std::vector<NamedRun>& runs) {
  std::vector<Found> columns;
  for (size_t i = 0; i < runs.size(); ++i)
    for (const EvaluationRow& row : runs[i].run->rows) {
      const Measurement m{*runs[i].run, row};
      auto at = std::find_if(columns.begin(), columns.end(), [&](const Found& f) { return f.of.alike(m); });
      if (at == columns.end()) {
        const auto last = std::find_if(columns.rbegin(), columns.rend(),
                                       [&](const Found& f) { return f.of.row->label == row.label; });
        at = columns.insert(last == columns.rend() ? columns.end() : last.base(),
                            {m, std::vector<double>(runs.size(), NAN)});
      }
      if (m.recorded() > at->of.recorded()) at->of = m;
      at->values[i] = row.percent;
    }
  return columns;
}

std::vector<std::string> suffixes(const std::vector<Found>& columns) {
  std::vector<std::string> out(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    std::vector<Measurement> same_label;
    size_t self = 0;
    for (size_t k = 0; k < columns.size(); ++k) {
      if (columns[k].of.row->label != columns[i].of.row->label) continue;
      if (k == i) self = same_label.size();
      same_label.push_back(columns[k].of);
    }
    if (same_label.size() > 1) out[i] = " (" + distinguishing_facts(same_label)[self] + ")";
  }
  return out;
}

// The columns that NRR is computed with.
std::vector<size_t> nrr_columns(const std::vector<Found>& columns) {
  std::vector<size_t> cw, shared;
  const auto attacked = [&](size_t run) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const Found& f) { return f.of.row->label != "clean" && !std::isnan(f.values[run]); });
  };
  for (size_t c = 0; c < columns.size(); ++c) {
    const Found& f = columns[c];
    if (f.of.row->label == "clean") continue;
    if (f.of.row->label == "cw") cw.push_back(c);
    bool by_all = true;
    for (size_t run = 0; run < f.values.size(); ++run)
      by_all = by_all && (!std::isnan(f.values[run]) || !attacked(run));
    if (by_all) shared.push_back(c);
  }
  if (!cw.empty() || shared.empty()) return cw;
  const auto sum = [&](size_t c) {
    double all = 0;
    for (const double v : columns[c].values) all += std::isnan(v) ? 0 : v;
    return all;
  };
  return {*std::min_element(shared.begin(), shared.end(), [&](size_t a, size_t b) { return sum(a) < sum(b); })};
}

void add_nrr(const std::vector<NamedRun>& runs, const std::vector<Found>& found, const std::vector<std::string>& suffix,
             ResultTable& t) {
  for (const size_t c : nrr_columns(found)) {
    const EvaluationRow& attack = *found[c].of.row;
    t.nrr_attack = attack.label;
    ResultTable::Column column{"nrr", "NRR", {}};
    if (attack.label == "cw") column.key += suffix[c], column.heading += suffix[c];
    for (size_t i = 0; i < runs.size(); ++i) {
      const EvaluationRow* clean = runs[i].run->find("clean");
      const double robust = found[c].values[i];
      column.values.push_back(!clean || std::isnan(robust) ? NAN : natural_robust_ratio(clean->percent, robust));
    }
    t.columns.push_back(std::move(column));
  }
}

std::string not_on_record(const std::vector<NamedRun>& runs) {
  std::vector<std::string> names;
  for (const NamedRun& r : runs)
    if (!r.run->test.known() && std::find(names.begin(), names.end(), r.name) == names.end()) names.push_back(r.name);
  if (names.empty() || std::none_of(runs.begin(), runs.end(), [](const NamedRun& r) { return r.run->test.known(); }))
    return "";
  return "The images of " + join(names) +
         " are unknown, because an earlier version tested them; they may differ from those of the others.";
}

std::string same_label_notes(const std::vector<Found>& columns, const std::vector<std::string>& suffix) {
  std::vector<std::string> labels;
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string label = report::shown(columns[i].of.row->label);
    if (!suffix[i].empty() && std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  }
  if (labels.empty()) return "";
  return "Measured in different ways, with a column for each: " + join(labels) +
         ". Numbers of different columns cannot be compared.";
}

}  // namespace

std::vector<NamedRun> named_by_folder(const std::vector<RunReport>& runs) {
  std::map<std::string, int> count;
  for (const RunReport& run : runs) ++count[run.name];
  std::vector<NamedRun> out;
  for (const RunReport& run : runs) out.push_back({count[run.name] == 1 ? run.name : run.folder.string(), &run});
  return out;
}

std::vector<NamedRun> named_by_method(const std::vector<RunReport>& runs) {
  std::map<std::string, int> count;
  for (const RunReport& run : runs) ++count[run.method];
  std::vector<NamedRun> out = named_by_folder(runs);
  for (NamedRun& r : out)
    if (count[r.run->method] == 1) r.name = r.run->method;
  return out;
}

std::string said_where_different(const std::string& what, const std::vector<NamedRun>& runs,
                                 const std::function<std::string(const RunReport&)>& value) {
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const NamedRun& r : runs) {
    const std::string v = value(*r.run);
    if (v.empty()) continue;
    auto at = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == v; });
    if (at == groups.end()) at = groups.insert(groups.end(), {v, {}});
    if (std::find(at->second.begin(), at->second.end(), r.name) == at->second.end()) at->second.push_back(r.name);
  }
  if (groups.size() < 2) return "";
  std::vector<std::string> parts;
  for (const auto& [v, names] : groups) parts.push_back(v + " (" + join(names) + ")");
  return "The runs differ in " + what + ": " + join(parts, "; ") + ".";
}

ResultTable result_table(const std::vector<NamedRun>& runs) {
  ResultTable t;
  const std::vector<Found> found = find_columns(runs);
  const std::vector<std::string> suffix = suffixes(found);
  for (size_t c = 0; c < found.size(); ++c) {
    const std::string& label = found[c].of.row->label;
    t.columns.push_back({label + suffix[c], report::shown(label) + suffix[c], found[c].values});
  }
  add_nrr(runs, found, suffix, t);
  std::set<std::string> images;
  for (const NamedRun& r : runs) images.insert(report::test_images_text(r.run->images_test, r.run->part));
  if (images.size() == 1) t.images = *images.begin();

  const bool attacked =
      std::any_of(found.begin(), found.end(), [](const Found& f) { return f.of.row->label != "clean"; });
  const auto said = [&](const std::string& what, const std::function<std::string(const RunReport&)>& value) {
    return said_where_different(what, runs, value);
  };
  const std::string counts = said("the number of test images",
                                  [](const RunReport& r) { return report::test_images_text(r.images_test, r.part); });
  for (const std::string& note :
       {same_label_notes(found, suffix),
        counts.empty()
            ? said("test images", [](const RunReport& r) { return r.test.known() ? r.test.text() : std::string(); })
            : counts,
        said("precision", [](const RunReport& r) { return r.precision; }),
        said("normalisation", [](const RunReport& r) { return normalisation_text(r.normalisation); }),
        said("training images",
             [](const RunReport& r) { return r.inputs.train.known() ? r.inputs.train.text() : std::string(); }),
        said("class names", [](const RunReport& r) { return r.test.names; }),
        said("the number of images held out for validation",
             [](const RunReport& r) {
               return r.inputs.train.known() ? grouped(r.inputs.validation.count) : std::string();
             }),
        not_on_record(runs),
        attacked && t.nrr_attack.empty() ? std::string("No NRR, because there is no attack that all runs share.")
                                         : std::string()})
    if (!note.empty()) t.notes.push_back(note);
  return t;
}

}  // namespace temper
