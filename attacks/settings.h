#pragma once
#include "attacks/attack.h"

namespace temper {

/// The section that makes this attack, whose name in the registry is `name`, with every key.
YAML::Node attack_settings(const std::string& name, Attack& attack);

/// A section on record with the keys that came later than it: those stand for their defaults. As it is where no attack
/// of this build reads it.
YAML::Node complete_attack_settings(const YAML::Node& section);

}  // namespace temper
