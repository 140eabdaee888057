#include "workflows/report/seed_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/files/folders.h"
#include "core/files/json.h"
#include "core/text.h"
#include "trainers/records/run_files.h"
#include "workflows/report/cells.h"
#include "workflows/report/parts.h"
#include "workflows/report/result_table.h"

namespace temper {

namespace {

using nlohmann::ordered_json;

ordered_json number(double v) { return std::isfinite(v) ? ordered_json(v) : ordered_json(nullptr); }

// With results: of how many values the fullest cell is made.
int64_t runs_of(const SeedTable::Row& row) {
  int64_t most = 0;
  for (const auto& cell : row.values) most = std::max(most, spread_of(cell).count);
  return most;
}

// "Without results: PGD-AT (seeds 1, 2)."
std::string missing(const std::vector<int>& seeds, const std::vector<MethodRuns>& methods) {
  std::vector<std::string> rows;
  for (const MethodRuns& m : methods) {
    std::vector<std::string> without;
    for (size_t i = 0; i < seeds.size(); ++i)
      if (!m.runs[i]) without.push_back(std::to_string(seeds[i]));
    if (!without.empty()) rows.push_back(cat(m.label, without.size() > 1 ? " (seeds " : " (seed ", join(without), ")"));
  }
  return rows.empty() ? "" : "Without results, and so not in the table: " + join(rows) + ".";
}

// The published results that no column shows: "Published, and not measured here: TRADES: aa 48.37."
std::string not_measured(const SeedTable& table, const std::vector<MethodRuns>& methods) {
  std::vector<std::string> rows;
  for (const MethodRuns& m : methods) {
    std::vector<std::string> left;
    for (const auto& published : m.published) {
      const auto shows = [&](const SeedTable::Column& c) { return c.key == published.first; };
      if (std::none_of(table.columns.begin(), table.columns.end(), shows))
        left.push_back(fmt::format("{} {:.2f}", published.first, published.second));
    }
    if (!left.empty()) rows.push_back(cat(m.label, ": ", join(left)));
  }
  return rows.empty() ? "" : " Published, and not measured here: " + join(rows, "; ") + ".";
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  Spread s;
  double sum = 0, squares = 0;
  for (const double v : values)
    if (!std::isnan(v)) sum += v, ++s.count;
  if (s.count == 0) return s;
  s.mean = sum / static_cast<double>(s.count);
  for (const double v : values)
    if (!std::isnan(v)) squares += (v - s.mean) * (v - s.mean);
  if (s.count > 1) s.deviation = std::sqrt(squares / static_cast<double>(s.count - 1));
  return s;
}

SeedTable seed_table(const std::string& title, const std::vector<int>& seeds, const std::vector<MethodRuns>& methods) {
  SeedTable t{.title = title, .seeds = seeds};
  std::vector<NamedRun> runs;
  for (const MethodRuns& m : methods)
    for (const auto& run : m.runs)
      if (run) runs.push_back({m.label, &*run});
  const ResultTable results = result_table(runs);
  t.caveats = results.notes;
  if (const std::string rows = missing(seeds, methods); !rows.empty()) t.caveats.push_back(rows);
  for (const NamedRun& r : runs)
    for (const std::string& doubt : report::doubts_of(*r.run)) t.caveats.push_back(r.name + ", " + doubt);
  t.note = cat(
      "Accuracy in percent of ", results.images.empty() ? "the test images" : results.images,
      seeds.size() > 1 ? cat(": mean ± sample standard deviation over ", seeds.size(), " seeds") : std::string(), ".");
  if (!results.nrr_attack.empty())
    t.note += cat(" NRR = 2 · Nat · Rob / (Nat + Rob) of each run, with Rob its accuracy under ",
                  report::shown(results.nrr_attack), ".");
  for (const MethodRuns& m : methods)
    t.rows.push_back({m.label, {results.columns.size(), std::vector<double>(seeds.size(), NAN)}});
  for (size_t c = 0; c < results.columns.size(); ++c) {
    t.columns.push_back({results.columns[c].key, results.columns[c].heading});
    auto value = results.columns[c].values.begin();
    for (size_t row = 0; row < methods.size(); ++row)
      for (size_t seed = 0; seed < seeds.size(); ++seed)
        if (methods[row].runs[seed]) t.rows[row].values[c][seed] = *value++;
  }
  for (size_t row = 0; row < methods.size(); ++row) {
    const PublishedResults& published = methods[row].published;
    if (published.empty()) continue;
    for (const SeedTable::Column& c : t.columns) {
      const auto found = published.find(c.key);
      t.rows[row].published.push_back(found == published.end() ? NAN : found->second);
    }
  }
  t.note += not_measured(t, methods);
  return t;
}

std::vector<PublishedLines> published_lines(const SeedTable::Row& row) {
  if (row.published.empty()) return {};
  PublishedLines published{"published", {}}, difference{"difference", {}};
  for (size_t c = 0; c < row.values.size(); ++c) {
    const double theirs = row.published[c], ours = spread_of(row.values[c]).mean;
    published.cells.push_back(std::isnan(theirs) ? "-" : fmt::format("{:.2f}", theirs));
    difference.cells.push_back(std::isnan(ours - theirs) ? "-" : fmt::format("{:+.2f}", ours - theirs));
  }
  return {published, difference};
}

std::string cell_text(const Spread& s, const std::string& plus_minus) {
  if (s.count == 0) return "-";
  return s.count == 1 ? fmt::format("{:.2f}", s.mean) : fmt::format("{:.2f}{}{:.2f}", s.mean, plus_minus, s.deviation);
}

std::string table_markdown(const SeedTable& t) {
  std::string head = "| method |", rule = "|---|";
  for (const SeedTable::Column& c : t.columns) {
    head += " " + markdown_cell(c.heading) + " |";
    rule += "---:|";
  }
  std::string out = "## " + t.title + "\n\n" + head + "\n" + rule + "\n";
  for (const SeedTable::Row& row : t.rows) {
    out += "| " + markdown_cell(row.label) + " |";
    for (const auto& cell : row.values) out += " " + cell_text(spread_of(cell), " ± ") + " |";
    out += "\n";
    for (const PublishedLines& line : published_lines(row)) {
      out += "| " + line.label + " |";
      for (const std::string& cell : line.cells) out += " " + cell + " |";
      out += "\n";
    }
  }
  out += "\n" + t.note + "\n";
  for (const std::string& caveat : t.caveats) out += "\n" + caveat + "\n";
  return out;
}

std::string table_csv(const SeedTable& t) {
  const bool published =
      std::any_of(t.rows.begin(), t.rows.end(), [](const SeedTable::Row& r) { return !r.published.empty(); });
  std::string out = "method,n";
  for (const SeedTable::Column& c : t.columns) {
    for (const char* what : {"_mean", "_sd"}) out += "," + csv_cell(c.key + what);
    if (published) out += "," + csv_cell(c.key + "_published");
  }
  out += "\n";
  for (const SeedTable::Row& row : t.rows) {
    out += fmt::format("{},{}", csv_cell(row.label), runs_of(row));
    for (size_t c = 0; c < row.values.size(); ++c) {
      const Spread s = spread_of(row.values[c]);
      out += s.count > 0 ? fmt::format(",{:.4f}", s.mean) : ",";
      out += s.count > 1 ? fmt::format(",{:.4f}", s.deviation) : ",";
      if (!published) continue;
      out += row.published.empty() || std::isnan(row.published[c]) ? "," : fmt::format(",{:.4f}", row.published[c]);
    }
    out += "\n";
  }
  return out;
}

std::string table_latex(const SeedTable& t) {
  std::string head = "% " + t.title + "\n% " + t.note + "\n";
  for (const std::string& caveat : t.caveats) head += "% " + caveat + "\n";
  std::string out = head + "\\begin{tabular}{l" + std::string(t.columns.size(), 'r') + "}\n\\toprule\nmethod";
  for (const SeedTable::Column& c : t.columns) out += " & " + latex_cell(c.heading);
  out += " \\\\\n\\midrule\n";
  for (const SeedTable::Row& row : t.rows) {
    out += latex_cell(row.label);
    for (const auto& cell : row.values) out += " & $" + cell_text(spread_of(cell), " \\pm ") + "$";
    out += " \\\\\n";
    for (const PublishedLines& line : published_lines(row)) {
      out += line.label;
      for (const std::string& cell : line.cells) out += " & $" + cell + "$";
      out += " \\\\\n";
    }
  }
  return out + "\\bottomrule\n\\end{tabular}\n";
}

std::string table_json(const SeedTable& t) {
  ordered_json j = {{"title", t.title}, {"seeds", t.seeds}, {"note", t.note}};
  if (!t.caveats.empty()) j["caveats"] = t.caveats;
  j["rows"] = ordered_json::array();
  for (const SeedTable::Row& row : t.rows) {
    ordered_json r = {{"label", row.label}};
    for (size_t c = 0; c < t.columns.size(); ++c) {
      const Spread s = spread_of(row.values[c]);
      ordered_json values = ordered_json::array();
      for (const double v : row.values[c]) values.push_back(number(v));
      ordered_json& cell = r[t.columns[c].key];
      cell = {{"mean", number(s.mean)}, {"sd", number(s.deviation)}, {"n", s.count}, {"values", values}};
      if (!row.published.empty()) cell["published"] = number(row.published[c]);
    }
    j["rows"].push_back(r);
  }
  return json_text(j);
}

void write_tables(const SeedTable& table, const std::filesystem::path& folder) {
  write_text(folder / "table.md", table_markdown(table));
  write_text(folder / "table.csv", table_csv(table));
  write_text(folder / "table.tex", table_latex(table));
  write_text(folder / "table.json", table_json(table));
}

}  // namespace temper
