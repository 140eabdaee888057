#include "core/config/node.h"

#include <algorithm>

#include "kernels/runtime/check.h"

namespace temper {

const ConfigNode* ConfigNode::find(const std::string& key) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.first == key; });
  return at == entries_.end() ? nullptr : &at->second;
}

ConfigNode* ConfigNode::find(const std::string& key) {
  return const_cast<ConfigNode*>(static_cast<const ConfigNode*>(this)->find(key));
}

const ConfigNode& ConfigNode::operator[](const std::string& key) const {
  static const ConfigNode nothing;
  const ConfigNode* there = find(key);
  return there ? *there : nothing;
}

ConfigNode& ConfigNode::operator[](const std::string& key) {
  if (ConfigNode* there = find(key)) return *there;
  if (is_nothing()) *this = section();
  TEMPER_CHECK(is_section(), "ConfigNode: expected a section to put the key '", key, "' into, got ",
               is_list() ? "a list" : "a text");
  return entries_.emplace_back(key, ConfigNode()).second;
}

void ConfigNode::erase(const std::string& key) {
  std::erase_if(entries_, [&](const Entry& e) { return e.first == key; });
}

std::string join_path(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

}  // namespace temper
