#include "apps/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace temper {

namespace {
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}
}  // namespace

Terminal Terminal::of(int descriptor) {
  Terminal t;
  if (!isatty(descriptor)) return t;
  t.descriptor = descriptor;
  t.live = variable("TERM") != "dumb" && !variable("TERM").empty();
  t.color = t.live && variable("NO_COLOR").empty();
  std::string locale = variable("LC_ALL");
  if (locale.empty()) locale = variable("LC_CTYPE");
  if (locale.empty()) locale = variable("LANG");
  t.unicode = locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  return t;
}

void fill_standard_descriptors() {
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(standard, F_GETFD) < 0) (void)!::open("/dev/null", O_RDWR);  // the lowest free number is this one
}

int Terminal::columns() const {
  winsize size{};
  if (descriptor >= 0 && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return fixed_columns;
}

std::string ink(const Terminal& terminal, Ink color, const std::string& text) {
  if (!terminal.color || color == Ink::plain) return text;
  const char* code = color == Ink::bold     ? "1"
                     : color == Ink::soft   ? "2"
                     : color == Ink::blue   ? "34"
                     : color == Ink::orange ? "33"
                     : color == Ink::green  ? "32"
                                            : "31";
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

size_t shown_width(const std::string& text) {
  size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

std::string wrapped(const std::string& text, size_t width, size_t indent) {
  std::istringstream words(text);
  std::string out;
  size_t column = 0;
  for (std::string word; words >> word;) {
    if (column > 0 && column + 1 + shown_width(word) > width) {
      out += "\n" + std::string(indent, ' ');
      column = 0;
    }
    if (column > 0) out += ' ', ++column;
    out += word;
    column += shown_width(word);
  }
  return out;
}

}  // namespace temper
