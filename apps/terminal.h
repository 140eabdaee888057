#pragma once
#include <string>

namespace temper {

/// What the place that output goes to can show. The default is a pipe or a file: plain lines, no colour.
struct Terminal {
  bool live = false;  ///< a line can be written over
  bool color = false;
  bool unicode = false;
  int fixed_columns = 80;
  int descriptor = -1;  ///< asked for the width when it is a terminal

  /// The terminal behind a file descriptor. Follows NO_COLOR, TERM=dumb and the locale.
  static Terminal of(int descriptor);
  int columns() const;
};

/// Opens the null device where standard input, output or error is closed: otherwise the next file that is opened would
/// take its place, and be written messages into. Before anything else is opened.
void fill_standard_descriptors();

enum class Ink { plain, bold, soft, blue, orange, green, red };
/// `text` in colour where the terminal has any.
std::string ink(const Terminal& terminal, Ink color, const std::string& text);

/// Characters shown, for UTF-8 text without control sequences.
size_t shown_width(const std::string& text);

/// `text` broken at spaces into lines of at most `width` characters; every line but the first is indented.
std::string wrapped(const std::string& text, size_t width, size_t indent);

}  // namespace temper
