#include "analysis/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/files/json.h"

#include "core/files/folders.h"
#include "kernels/runtime/check.h"
#include "trainers/records/run_files.h"
#include "workflows/report/cells.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

using Cell = Findings::Cell;

nlohmann::ordered_json json(const Cell& cell) {
  return std::visit([](const auto& value) { return nlohmann::ordered_json(value); }, cell.value());
}

bool is_nothing(const Cell& cell) { return std::holds_alternative<std::nullptr_t>(cell.value()); }

std::string plain(const Cell& cell) {
  if (is_nothing(cell)) return "";
  return cell.is_text() ? std::get<std::string>(cell.value()) : json(cell).dump();
}

std::string short_text(const Cell& cell) {
  if (is_nothing(cell)) return "-";
  const double* number = std::get_if<double>(&cell.value());
  return number ? fmt::format("{:.4g}", *number) : plain(cell);
}

}  // namespace

double FindingsCell::number() const {
  if (const auto* whole = std::get_if<int64_t>(&value_)) return static_cast<double>(*whole);
  const auto* number = std::get_if<double>(&value_);
  TEMPER_CHECK(number, "findings: expected a number, got ", is_text() ? std::get<std::string>(value_) : "nothing");
  return *number;
}

bool operator==(const Cell& a, const Cell& b) {
  const bool numbers = a.value().index() > 1 && b.value().index() > 1;
  return numbers ? a.number() == b.number() : a.value() == b.value();
}

Cell number(double value) { return std::isfinite(value) ? Cell(value) : Cell(nullptr); }

const Cell& Findings::at(const std::vector<Cell>& key, const std::string& column) const {
  const auto c = std::find(columns.begin(), columns.end(), column);
  for (const std::vector<Cell>& row : rows)
    if (c != columns.end() && key.size() <= row.size() && std::equal(key.begin(), key.end(), row.begin()))
      return row.at(static_cast<size_t>(c - columns.begin()));
  nlohmann::ordered_json cells = nlohmann::ordered_json::array();
  for (const Cell& cell : key) cells.push_back(json(cell));
  fail("findings: no row ", cells.dump(), " with a column '", column, "'");
}

std::string findings_csv(const Findings& f) {
  std::string out;
  const auto line = [&](const auto& cells) {
    for (size_t i = 0; i < cells.size(); ++i) out += (i > 0 ? "," : "") + csv_cell(plain(cells[i]));
    out += "\n";
  };
  line(f.columns);
  for (const auto& row : f.rows) line(row);
  return out;
}

std::string findings_json(const Findings& f) {
  nlohmann::ordered_json j = {{"title", f.title}, {"notes", f.notes}, {"rows", nlohmann::ordered_json::array()}};
  for (const auto& row : f.rows) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (size_t i = 0; i < f.columns.size(); ++i) object[f.columns[i]] = json(row.at(i));
    j["rows"].push_back(object);
  }
  return json_text(j);
}

std::string findings_text(const Findings& f) {
  std::vector<std::vector<std::string>> lines = {f.columns};
  for (const auto& row : f.rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (const Cell& cell : row) line.push_back(short_text(cell));
  }
  std::vector<size_t> widths(f.columns.size());
  for (const auto& line : lines)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) {
      const bool words = !f.rows.empty() && f.rows[0][i].is_text();
      text += (i > 0 ? "  " : "") +
              (words ? fmt::format("{:<{}}", line[i], widths[i]) : fmt::format("{:>{}}", line[i], widths[i]));
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

std::vector<std::string> write_findings(const Findings& f, const std::string& name,
                                        const std::filesystem::path& folder) {
  std::vector<std::string> files = {name + ".csv", name + ".json"};
  write_text(folder / files[0], findings_csv(f));
  write_text(folder / files[1], findings_json(f));
  for (const auto& [picture, svg] : f.pictures) {
    if (svg.empty()) continue;
    std::string& file = files.emplace_back(name + "-" + picture + ".svg");
    std::replace(file.begin(), file.end(), '/', '-');
    write_text(folder / file, standalone_svg(svg));
  }
  return files;
}

}  // namespace temper
