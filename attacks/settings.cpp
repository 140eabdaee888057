#include "attacks/settings.h"

namespace temper {

YAML::Node attack_settings(const std::string& name, Attack& attack) {
  const Config nothing;
  Fields f(nothing);
  std::string chosen = name;
  f("name", chosen, "which one");
  attack.fields(f);
  return YAML::Clone(f.resolved());
}

YAML::Node complete_attack_settings(const YAML::Node& section) {
  Config config;
  config.root["attack"] = YAML::Clone(section);
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
