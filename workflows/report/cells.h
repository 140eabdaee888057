#pragma once
// Cells of tables that are written as text.
#include <string>

namespace temper {

/// A cell of a CSV file: in quotes where it holds a comma, a quote or the end of a line.
std::string csv_cell(const std::string& text);
/// A cell of a Markdown table: "|" is escaped, which would end it.
std::string markdown_cell(const std::string& text);
/// A cell of a LaTeX table: what is special in LaTeX is escaped.
std::string latex_cell(const std::string& text);

}  // namespace temper
