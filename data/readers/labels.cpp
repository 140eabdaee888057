#include "data/readers/labels.h"

#include <algorithm>

#include "core/text.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

constexpr size_t kListed = 6;

std::string listed(const std::vector<int64_t>& labels) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < std::min(labels.size(), kListed); ++i) parts.push_back(std::to_string(labels[i]));
  if (labels.size() > kListed) parts.push_back("... " + std::to_string(labels.back()));
  return join(parts);
}

}  // namespace

LabelMap::LabelMap(const std::string& who, const std::vector<int64_t>& training, const LabelOptions& options)
    : rule_(options.rule), classes_(options.classes), known_(training) {
  std::sort(known_.begin(), known_.end());
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  const auto count = static_cast<int64_t>(known_.size());
  TEMPER_CHECK(count > 0, who, ": holds no labels");
  if (rule_ == LabelRule::ranked) {
    TEMPER_CHECK(classes_ == 0 || classes_ == count, who, ": has ", count, " different labels, ", listed(known_),
                 ", but data.classes is ", classes_, "; leave it out, or give data.labels: as_given");
    classes_ = count;
    return;
  }
  if (classes_ > 0) return;
  TEMPER_CHECK(known_.front() == 0 && known_.back() == count - 1, who, ": the labels are ", listed(known_),
               ", but classes are counted from 0 without a gap; give data.labels: ranked to take them as classes 0 to ",
               count - 1, " in that order",
               known_.front() < 0
                   ? ""
                   : cat(", or data.classes: ", known_.back() + 1, " if there are classes that no training image has"));
  classes_ = count;
}

std::vector<int32_t> LabelMap::classes_of(const std::string& who, const std::vector<int64_t>& labels) const {
  std::vector<int32_t> out;
  out.reserve(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    if (rule_ == LabelRule::as_given) {
      TEMPER_CHECK(labels[i] >= 0 && labels[i] < classes_, who, ": the label of image ", i, " is ", labels[i],
                   ", which is not in [0, ", classes_, "); is this the right file?");
      out.push_back(static_cast<int32_t>(labels[i]));
      continue;
    }
    const auto at = std::lower_bound(known_.begin(), known_.end(), labels[i]);
    TEMPER_CHECK(at != known_.end() && *at == labels[i], who, ": the label of image ", i, " is ", labels[i],
                 ", which no training image has: their labels are ", listed(known_));
    out.push_back(static_cast<int32_t>(at - known_.begin()));
  }
  return out;
}

std::vector<std::string> LabelMap::names() const {
  std::vector<std::string> out;
  if (rule_ == LabelRule::ranked)
    for (const int64_t label : known_) out.push_back("label " + std::to_string(label));
  return out;
}

}  // namespace temper
