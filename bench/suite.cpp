#include "bench/suite.h"

#include <algorithm>
#include <sstream>

#include "core/text.h"

namespace temper::bench {

Choice choose(const std::vector<Axis>& axes, const std::vector<std::string>& asked) {
  Choice choice;
  std::vector<std::string> names;
  for (const Axis& a : axes) {
    choice[a.name] = a.values;
    names.push_back(a.name);
  }
  for (const std::string& text : asked) {
    const size_t equals = text.find('=');
    TEMPER_CHECK(equals != std::string::npos && equals + 1 < text.size(),
                 "--axis: expected name=value or name=value,value, got '", text, "'");
    const std::string name = text.substr(0, equals);
    const auto axis = std::find_if(axes.begin(), axes.end(), [&](const Axis& a) { return a.name == name; });
    TEMPER_CHECK(axis != axes.end(), "--axis: there is no axis '", name, "' here", did_you_mean(name, names),
                 " (known: ", join(names), ")");
    if (!axis->known.empty() && text.substr(equals + 1) == "all") {
      choice[name] = axis->known;
      continue;
    }
    choice[name].clear();
    std::istringstream values(text.substr(equals + 1));
    for (std::string v; std::getline(values, v, ',');) {
      TEMPER_CHECK(axis->known.empty() || std::find(axis->known.begin(), axis->known.end(), v) != axis->known.end(),
                   "--axis: ", name, " has no value '", v, "'", did_you_mean(v, axis->known),
                   " (known: ", join(axis->known), ")");
      choice[name].push_back(v);
    }
  }
  return choice;
}

}  // namespace temper::bench
