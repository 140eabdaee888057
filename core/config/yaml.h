#pragma once
#include <string>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>
#include <nlohmann/json_fwd.hpp>

namespace temper {

/// Dotted keys and their values as text, in the order of the document; a list is one value: "[1, 2]".
using FlatYaml = std::vector<std::pair<std::string, std::string>>;
FlatYaml flattened(const YAML::Node& node);

/// The same tree; scalars that read as numbers, true, false or null become those, others text.
nlohmann::ordered_json to_json(const YAML::Node& node);

}  // namespace temper
