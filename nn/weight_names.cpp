#include "nn/weight_names.h"

#include <algorithm>
#include <map>
#include <set>

#include "kernels/runtime/check.h"

namespace temper {

namespace {

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }
std::string without_first_part(const std::string& name) { return name.substr(name.find('.') + 1); }

/// Parts of names that are no part of a network.
const std::set<std::string> kCounters = {"num_batches_tracked", "n_averaged"};
const std::set<std::string> kNormalisation = {"mu", "sigma", "mean", "std"};
const std::set<std::string> kWrappers = {"module", "model", "_orig_mod", "1"};
constexpr const char* kUnusedBlock = "sub_block1";

bool has_part(const std::string& name, const std::string& part) {
  return ("." + name + ".").find("." + part + ".") != std::string::npos;
}

bool is_extra(const std::string& name, const std::vector<std::string>& wanted) {
  const auto wanted_has = [&](const std::string& part) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& w) { return has_part(w, part); });
  };
  const std::string last = last_part(name);
  if (kCounters.count(last) || kNormalisation.count(last)) return !wanted_has(last);
  return has_part(name, kUnusedBlock) && !wanted_has(kUnusedBlock);
}

bool share_first_part(const std::vector<std::string>& names) {
  if (names.empty() || names[0].find('.') == std::string::npos) return false;
  const std::string first = names[0].substr(0, names[0].find('.') + 1);
  return std::all_of(names.begin(), names.end(), [&](const std::string& n) { return n.starts_with(first); });
}

/// How many leading parts to drop so that most of the names are wanted ones.
int wrapping(std::vector<std::string> names, const std::set<std::string>& wanted) {
  int best = 0;
  int64_t most = -1;
  for (int depth = 0;; ++depth) {
    const int64_t found =
        std::count_if(names.begin(), names.end(), [&](const std::string& n) { return wanted.count(n) > 0; });
    if (found > most) most = found, best = depth;
    if (!share_first_part(names)) return best;
    for (std::string& name : names) name = without_first_part(name);
  }
}

void refuse_doubles(const std::vector<std::string>& names, const std::string& who) {
  std::map<std::string, std::string> seen;
  for (const std::string& name : names) {
    std::string bare = name;
    while (kWrappers.count(bare.substr(0, bare.find('.'))) && bare.find('.') != std::string::npos)
      bare = without_first_part(bare);
    const auto [at, is_new] = seen.emplace(bare, name);
    TEMPER_CHECK(is_new, who, ": holds '", bare, "' twice, as '", at->second, "' and as '", name,
                 "'; remove those that are not meant");
  }
}

}  // namespace

bool is_normalisation(const std::string& name) { return kNormalisation.count(last_part(name)) > 0; }

WeightNames match_names(const std::vector<std::string>& given, const std::vector<std::string>& wanted,
                        const std::string& who) {
  WeightNames out;
  std::vector<std::string> weights;
  for (const std::string& name : given) {
    const bool extra = is_extra(name, wanted);
    if (!extra) weights.push_back(name);
    if (extra && last_part(name) != "num_batches_tracked") out.passed_over.push_back(name);
    out.keys.push_back(extra ? "" : name);
  }
  const std::set<std::string> known(wanted.begin(), wanted.end());
  const bool as_they_are = std::all_of(weights.begin(), weights.end(), [&](const auto& n) { return known.count(n); });
  if (!as_they_are) refuse_doubles(weights, who);
  const int depth = wrapping(weights, known);
  for (std::string& key : out.keys)
    for (int i = 0; i < depth && !key.empty(); ++i) key = without_first_part(key);
  return out;
}

}  // namespace temper
