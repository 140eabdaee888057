// Configurations as YAML text.
#include <yaml-cpp/yaml.h>

#include "core/config/node.h"

namespace temper {

namespace {

YAML::Node tree(const ConfigNode& n, ConfigNode::Layout layout) {
  if (n.is_nothing()) return YAML::Node(YAML::NodeType::Null);  // a default node is written as nothing at all
  if (n.is_text()) return YAML::Node(n.text());
  YAML::Node out(n.is_list() ? YAML::NodeType::Sequence : YAML::NodeType::Map);
  if (layout == ConfigNode::Layout::one_line) out.SetStyle(YAML::EmitterStyle::Flow);
  for (const ConfigNode& item : n.items()) out.push_back(tree(item, item.layout()));
  for (const auto& [key, value] : n.entries()) out.force_insert(key, tree(value, value.layout()));
  return out;
}

void flatten(const ConfigNode& n, const std::string& path, FlatYaml& out) {
  for (const auto& [key, value] : n.entries()) flatten(value, join_path(path, key), out);
  if (n.is_section()) return;
  out.emplace_back(path, n.is_text() ? n.text() : YAML::Dump(tree(n, ConfigNode::Layout::one_line)));
}

}  // namespace

std::string ConfigNode::yaml() const { return YAML::Dump(tree(*this, layout_)); }

FlatYaml flattened(const ConfigNode& node) {
  FlatYaml out;
  flatten(node, "", out);
  return out;
}

}  // namespace temper
