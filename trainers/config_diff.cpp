#include "trainers/config_diff.h"

#include <map>

#include <yaml-cpp/yaml.h>

#include "core/params.h"

namespace temper {

namespace {

constexpr const char* kMayChange[] = {"threads",        "data.path",       "memory.*",        "evaluation.*",
                                      "loop.epochs",    "loop.eval_every", "loop.early_stop", "loop.checkpoint_*",
                                      "loop.log_every", "loop.collapse",   "loop.on_collapse"};

using Flattened = std::map<std::string, std::string>;

void flatten(const YAML::Node& n, const std::string& path, Flattened& out) {
  if (!n.IsMap()) {
    YAML::Emitter text;
    text.SetSeqFormat(YAML::Flow);
    text << n;
    out[path] = text.c_str();
    return;
  }
  for (const auto& kv : n) {
    const std::string key = kv.first.as<std::string>();
    flatten(kv.second, path.empty() ? key : path + "." + key, out);
  }
}

bool may_change(const std::string& key) {
  for (const char* glob : kMayChange)
    if (glob_matches(glob, key)) return true;
  return false;
}

}  // namespace

std::vector<std::string> config_differences(const std::string& before, const std::string& now) {
  Flattened old_keys, new_keys;
  flatten(YAML::Load(before), "", old_keys);
  flatten(YAML::Load(now), "", new_keys);
  Flattened all = old_keys;
  all.insert(new_keys.begin(), new_keys.end());
  std::vector<std::string> out;
  for (const auto& [key, value] : all) {
    const auto a = old_keys.find(key), b = new_keys.find(key);
    const std::string was = a == old_keys.end() ? "(not given)" : a->second;
    const std::string is = b == new_keys.end() ? "(not given)" : b->second;
    if (was != is && !may_change(key)) out.push_back(key + ": " + was + " -> " + is);
  }
  return out;
}

}  // namespace temper
