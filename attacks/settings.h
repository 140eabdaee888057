#pragma once
#include "attacks/attack.h"

namespace temper {

/// The section that makes this attack, whose name in the registry is `name`, with every key.
ConfigNode attack_settings(const std::string& name, Attack& attack);

/// A section on record with the keys that came later than it: those stand for their defaults. As it is where no attack
/// of this build reads it.
ConfigNode complete_attack_settings(const ConfigNode& section);

}  // namespace temper
