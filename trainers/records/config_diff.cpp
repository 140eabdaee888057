#include "trainers/records/config_diff.h"

#include <map>

#include "core/config/config.h"
#include "core/params.h"

namespace temper {

namespace {

constexpr const char* kMayChange[] = {"threads",        "data.path",       "memory.*",        "evaluation.*",
                                      "loop.epochs",    "loop.eval_every", "loop.early_stop", "loop.checkpoint_*",
                                      "loop.log_every", "loop.collapse",   "loop.on_collapse"};

bool may_change(const std::string& key) {
  for (const char* glob : kMayChange)
    if (glob_matches(glob, key)) return true;
  return false;
}

}  // namespace

std::vector<std::string> config_differences(const std::string& before, const std::string& now) {
  const auto keys_of = [](const std::string& text) {
    const FlatYaml flat = flattened(parse_config(text).root);
    return std::map<std::string, std::string>(flat.begin(), flat.end());
  };
  const auto old_keys = keys_of(before), new_keys = keys_of(now);
  auto all = old_keys;
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
