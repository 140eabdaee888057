#pragma once
#include <string>

namespace temper {

/// The capabilities of the output. The default is a pipe or a file: plain lines, no colour.
struct Terminal {
  bool live = false;  ///< lines can be overwritten
  bool color = false;
  bool unicode = false;
  int fixed_columns = 80;
  int descriptor = -1;  ///< of a terminal, to query its width; -1: none

  /// The terminal behind a file descriptor. Follows NO_COLOR, TERM=dumb and the locale.
  static Terminal of(int descriptor);
  int columns() const;
};

/// Opens the null device in place of a closed standard input, output or error: otherwise the next opened file would get
/// that descriptor, and messages would be written into it. To be called before any file is opened.
void fill_standard_descriptors();

enum class Ink { plain, bold, soft, blue, orange, green, red };
/// `text` in colour, if the terminal has colours.
std::string ink(const Terminal& terminal, Ink color, const std::string& text);

/// The number of visible characters of UTF-8 text without control sequences.
size_t shown_width(const std::string& text);

/// `text` broken at spaces into lines of at most `width` characters; every line but the first is indented.
std::string wrapped(const std::string& text, size_t width, size_t indent);

}  // namespace temper
