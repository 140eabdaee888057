#pragma once
#include <nlohmann/json_fwd.hpp>

#include "core/config/node.h"

namespace temper {

/// The tree as JSON. Texts that are numbers, true or false become those; an empty value becomes null.
nlohmann::ordered_json to_json(const ConfigNode& node);

}  // namespace temper
