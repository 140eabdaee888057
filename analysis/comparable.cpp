#include "analysis/comparable.h"

namespace temper {

void check_comparable(const std::string& who, const std::string& what, const std::vector<Subject>& subjects,
                      const std::function<std::string(const Subject&)>& value) {
  if (subjects.size() < 2) return;
  const Subject* first = nullptr;
  std::string of_first;
  for (const Subject& s : subjects) {
    const std::string v = value(s);
    if (v.empty()) continue;
    if (!first) first = &s, of_first = v;
    TEMPER_CHECK(v == of_first, who, ": the runs differ in ", what, ": ", of_first, " (", first->name, "), but ", v,
                 " (", s.name, "); such numbers cannot be compared, so analyse these runs one at a time");
  }
}

}  // namespace temper
