#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// A cell of a table: a number, a text, or nothing if there is no value. Numbers are compared by value.
class FindingsCell {
 public:
  using Value = std::variant<std::nullptr_t, std::string, int64_t, double>;
  FindingsCell(std::nullptr_t) {}
  FindingsCell(std::string text) : value_(std::move(text)) {}
  FindingsCell(const char* text) : value_(std::string(text)) {}
  FindingsCell(std::integral auto number) : value_(static_cast<int64_t>(number)) {}
  FindingsCell(double number) : value_(number) {}

  const Value& value() const { return value_; }
  bool is_text() const { return std::holds_alternative<std::string>(value_); }
  /// Throws Error if it is no number.
  double number() const;
  friend bool operator==(const FindingsCell& a, const FindingsCell& b);

 private:
  Value value_ = nullptr;
};

/// The result of an analysis: one table and pictures of it.
struct Findings {
  using Cell = FindingsCell;
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
  std::vector<std::pair<std::string, std::string>> pictures;  ///< name, <svg> element; empty elements are left out
  std::vector<std::string> notes;                             ///< remarks for the reader of the numbers

  /// The cell of the first row whose leading cells are `key`. Throws Error if there is none.
  const Cell& at(const std::vector<Cell>& key, const std::string& column) const;
};

/// A number; nothing for NaN and infinity.
Findings::Cell number(double value);

std::string findings_csv(const Findings& f);
std::string findings_json(const Findings& f);
/// A table with aligned columns for a terminal.
std::string findings_text(const Findings& f);

/// Writes NAME.csv, NAME.json and, for each picture, NAME-PICTURE.svg into a folder. Returns the files' names.
std::vector<std::string> write_findings(const Findings& f, const std::string& name,
                                        const std::filesystem::path& folder);

}  // namespace temper
