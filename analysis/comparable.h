#pragma once
#include <functional>

#include "analysis/analysis.h"

namespace temper {

/// Throws Error, naming the subjects that differ, unless `value` is the same for all subjects: numbers in one table
/// must be measured in the same way. An empty value is unknown and equals every other.
void check_comparable(const std::string& who, const std::string& what, const std::vector<Subject>& subjects,
                      const std::function<std::string(const Subject&)>& value);

}  // namespace temper
