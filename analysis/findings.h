#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace temper {

/// What an analysis found: one table and pictures of it. Cells are numbers, text, or null for what does not exist.
struct Findings {
  using Cell = nlohmann::ordered_json;
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
  std::vector<std::pair<std::string, std::string>> pictures;  ///< name, <svg> element; an empty one is left out
  std::vector<std::string> notes;                             ///< what the reader of the numbers has to know

  /// The cell of the first row whose leading cells are `key`. Throws Error if there is none.
  const Cell& at(const std::vector<Cell>& key, const std::string& column) const;
};

/// NaN and infinity as null.
Findings::Cell number(double value);

std::string findings_csv(const Findings& f);
nlohmann::ordered_json findings_json(const Findings& f);
/// Aligned columns for a terminal.
std::string findings_text(const Findings& f);

/// Writes NAME.csv, NAME.json and, for each picture, NAME-PICTURE.svg into a folder. Returns the files' names.
std::vector<std::string> write_findings(const Findings& f, const std::string& name,
                                        const std::filesystem::path& folder);

}  // namespace temper
