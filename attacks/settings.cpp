#include "attacks/settings.h"

namespace temper {

ConfigNode attack_settings(const std::string& name, Attack& attack) {
  const Config nothing;
  Fields f(nothing);
  std::string chosen = name;
  f("name", chosen, "which one");
  attack.fields(f);
  return f.resolved();
}

ConfigNode complete_attack_settings(const ConfigNode& section) {
  Config config;
  config.root["attack"] = section;
  Fields f(config);
  std::string name;
  try {
    const std::unique_ptr<Attack> attack = Registry<Attack>::instance().read(f, "attack", name);
    return attack_settings(name, *attack);
  } catch (const Error&) {
    return section;  // an attack of another build
  }
}

}  // namespace temper
