#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/config/config.h"

namespace temper {

/// A kind of class that a configuration chooses by name, with the section of that choice.
struct Kind {
  std::string name, plural, section;
  std::function<std::vector<std::pair<std::string, std::string>>()> members;  ///< name, one-line description
  std::function<std::vector<FieldDoc>(const std::string& member)> fields;
  std::string part_of = "";  ///< for items of a list: the class with that list; empty: chosen in a section
};

/// trainer, attack, model, layer, data set, schedule, analysis.
const std::vector<Kind>& kinds();

/// Every key of a whole configuration file, with the default members.
std::vector<FieldDoc> experiment_fields();

}  // namespace temper
