#pragma once
#include <string>
#include <vector>

namespace temper::test {

/// "" if every tag of `text` is closed in order, every attribute is quoted and every & starts an entity; else what is
/// wrong. Enough of an XML check for pages that this project writes itself. Style sheets are skipped.
inline std::string xml_fault(const std::string& text) {
  std::vector<std::string> open;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&') {
      const size_t end = text.find(';', i);
      if (end == std::string::npos || end - i > 8) return "bare & at: " + text.substr(i, 40);
    }
    if (text[i] == '>') return "bare > at: " + text.substr(i, 40);
    if (text[i] != '<') continue;
    const size_t end = text.find('>', i);
    if (end == std::string::npos) return "no end of tag: " + text.substr(i, 40);
    const std::string tag = text.substr(i + 1, end - i - 1);
    i = end;
    if (tag.empty() || tag[0] == '!') continue;
    if (tag.find('<') != std::string::npos) return "tag in tag: " + tag;
    const std::string name = tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name)
        return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
      continue;
    }
    int quotes = 0;
    for (size_t k = 0; k < tag.size(); ++k) {
      quotes += tag[k] == '"';
      if (tag[k] == '=' && quotes % 2 == 0 && (k + 1 >= tag.size() || tag[k + 1] != '"'))
        return "unquoted attribute: " + tag;
    }
    if (quotes % 2) return "unbalanced quotes: " + tag;
    if (tag.back() == '/') continue;
    if (name == "style") i = text.find("</style", i) - 1;
    open.push_back(name);
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

}  // namespace temper::test
