#pragma once
#include <nlohmann/json_fwd.hpp>

#include "core/config/node.h"

namespace temper {

/// The same tree; texts that read as numbers, true or false become those, and nothing becomes null.
nlohmann::ordered_json to_json(const ConfigNode& node);

}  // namespace temper
