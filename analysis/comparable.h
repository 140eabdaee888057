#pragma once
#include <functional>

#include "analysis/analysis.h"

namespace temper {

/// Throws Error, naming who differs, unless `value` is the same of all subjects: what an analysis puts into one table
/// has to be measured alike. An empty value is one that is not on record and differs from none.
void check_comparable(const std::string& who, const std::string& what, const std::vector<Subject>& subjects,
                      const std::function<std::string(const Subject&)>& value);

}  // namespace temper
