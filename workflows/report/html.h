#pragma once
// HTML of reports.
#include <string>
#include <vector>

namespace temper {

/// Text made safe for HTML and for attribute values.
std::string escape(const std::string& text);

/// The style rules and colours of charts.
std::string chart_style();

/// A complete, self-contained page: no script, nothing loaded. It follows the reader's light or dark setting, fits a
/// phone, and is well-formed XML as well. `body` is markup.
std::string html_page(const std::string& title, const std::string& body);

/// <section><h2>heading</h2>body</section>; "" when there is no body.
std::string section(const std::string& heading, const std::string& body);

/// A table cell that shows `percent` with a bar of that length in the page's colour `color` behind it.
std::string bar_cell(double percent, int color);

/// A table with a caption. The caption wraps to the page width even if the table is wider and scrolls. `rows` is
/// markup.
std::string captioned_table(const std::string& caption, const std::string& rows);

/// A two-column table of names and values.
std::string key_value_table(const std::string& caption, const std::vector<std::pair<std::string, std::string>>& rows);

}  // namespace temper
