#include "evaluation/seed_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "evaluation/report_parts.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

using nlohmann::ordered_json;

std::string latex(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string("&%$#_{}").find(c) != std::string::npos) out += '\\';
    if (c == '\\')
      out += "\\textbackslash{}";
    else if (c == '~' || c == '^')
      out += cat("\\", std::string(1, c), "{}");
    else
      out += c;
  }
  return out;
}

std::string csv(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string pipe_safe(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

ordered_json number(double v) { return std::isfinite(v) ? ordered_json(v) : ordered_json(nullptr); }

double value_in(const RunReport& run, const std::string& key) {
  if (key == "nrr") return run.nrr;
  const ReportRow* row = run.find(key);
  return row ? row->percent : double{NAN};
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

SeedTable seed_table(const std::string& title, const std::vector<int>& seeds,
                     const std::vector<std::pair<std::string, std::vector<RunReport>>>& methods) {
  SeedTable t{.title = title, .seeds = seeds, .columns = {}, .rows = {}, .note = {}};
  std::string nrr;
  int64_t images = 0;
  for (const auto& [label, runs] : methods)
    for (const RunReport& run : runs) {
      images = run.images_test;
      for (const ReportRow& row : run.rows)
        if (std::none_of(t.columns.begin(), t.columns.end(), [&](const auto& c) { return c.key == row.label; }))
          t.columns.push_back({row.label, report::shown(row.label)});
      if (run.nrr_label.empty()) continue;
      TEMPER_CHECK(nrr.empty() || nrr == run.nrr_label, "table: the NRR of one run is with ", nrr, ", that of ",
                   run.folder.string(), " with ", run.nrr_label, "; give all of them the same evaluation.attacks");
      nrr = run.nrr_label;
    }
  t.note = cat(
      "Accuracy in percent of ", report::grouped(images), " test images",
      seeds.size() > 1 ? cat(": mean ± sample standard deviation over ", seeds.size(), " seeds") : std::string(), ".");
  if (!nrr.empty()) {
    t.columns.push_back({"nrr", "NRR"});
    t.note +=
        cat(" NRR = 2 · Nat · Rob / (Nat + Rob) of each run, with Rob its accuracy under ", report::shown(nrr), ".");
  }
  for (const auto& [label, runs] : methods) {
    SeedTable::Row& row = t.rows.emplace_back(SeedTable::Row{label, {}});
    for (const SeedTable::Column& c : t.columns) {
      std::vector<double>& cell = row.values.emplace_back();
      for (const RunReport& run : runs) cell.push_back(value_in(run, c.key));
    }
  }
  return t;
}

std::string cell_text(const Spread& s, const std::string& plus_minus) {
  if (s.count == 0) return "-";
  return s.count == 1 ? fmt::format("{:.2f}", s.mean) : fmt::format("{:.2f}{}{:.2f}", s.mean, plus_minus, s.deviation);
}

std::string table_markdown(const SeedTable& t) {
  std::string head = "| method |", rule = "|---|";
  for (const SeedTable::Column& c : t.columns) {
    head += " " + pipe_safe(c.heading) + " |";
    rule += "---:|";
  }
  std::string out = "## " + t.title + "\n\n" + head + "\n" + rule + "\n";
  for (const SeedTable::Row& row : t.rows) {
    out += "| " + pipe_safe(row.label) + " |";
    for (const auto& cell : row.values) out += " " + cell_text(spread_of(cell), " ± ") + " |";
    out += "\n";
  }
  return out + "\n" + t.note + "\n";
}

std::string table_csv(const SeedTable& t) {
  std::string out = "method,n";
  for (const SeedTable::Column& c : t.columns) out += "," + csv(c.key + "_mean") + "," + csv(c.key + "_sd");
  out += "\n";
  for (const SeedTable::Row& row : t.rows) {
    out += fmt::format("{},{}", csv(row.label), row.values.empty() ? 0 : spread_of(row.values[0]).count);
    for (const auto& cell : row.values) {
      const Spread s = spread_of(cell);
      out += s.count > 0 ? fmt::format(",{:.4f}", s.mean) : ",";
      out += s.count > 1 ? fmt::format(",{:.4f}", s.deviation) : ",";
    }
    out += "\n";
  }
  return out;
}

std::string table_latex(const SeedTable& t) {
  std::string out =
      "% " + t.title + "\n\\begin{tabular}{l" + std::string(t.columns.size(), 'r') + "}\n\\toprule\nmethod";
  for (const SeedTable::Column& c : t.columns) out += " & " + latex(c.heading);
  out += " \\\\\n\\midrule\n";
  for (const SeedTable::Row& row : t.rows) {
    out += latex(row.label);
    for (const auto& cell : row.values) out += " & $" + cell_text(spread_of(cell), " \\pm ") + "$";
    out += " \\\\\n";
  }
  return out + "\\bottomrule\n\\end{tabular}\n";
}

ordered_json table_json(const SeedTable& t) {
  ordered_json j = {{"title", t.title}, {"seeds", t.seeds}, {"note", t.note}, {"rows", ordered_json::array()}};
  for (const SeedTable::Row& row : t.rows) {
    ordered_json r = {{"label", row.label}};
    for (size_t c = 0; c < t.columns.size(); ++c) {
      const Spread s = spread_of(row.values[c]);
      ordered_json values = ordered_json::array();
      for (const double v : row.values[c]) values.push_back(number(v));
      r[t.columns[c].key] = {{"mean", number(s.mean)}, {"sd", number(s.deviation)}, {"n", s.count}, {"values", values}};
    }
    j["rows"].push_back(r);
  }
  return j;
}

}  // namespace temper
