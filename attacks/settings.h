#pragma once
#include "attacks/attack.h"

namespace TEMPER_API temper {

/// The configuration section of an attack, with its name in the registry and every key.
ConfigNode attack_settings(const std::string& name, Attack& attack);

/// A stored section with the keys added that are newer than it, at their defaults. Unchanged if this build has no such
/// attack.
ConfigNode complete_attack_settings(const ConfigNode& section);

}  // namespace temper
