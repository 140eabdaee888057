#include "trainers/loop/step_values.h"

#include <algorithm>

#include "kernels/runtime/check.h"

namespace temper {

void StepValues::set(const Values& values) {
  now_ = values;
  named_.clear();
}

void StepValues::put(const std::string& name, double value) {
  const auto at = static_cast<size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
  TEMPER_CHECK(at < kMostNamed, "live values: expected at most ", kMostNamed, " names in a run, and '", name,
               "' is one more");
  if (at == names_.size()) names_.push_back(name);
  now_.named[at] = static_cast<float>(value);
  named_.insert_or_assign(name, ScalarArg<float>(&memory_.data()->named[at]));
}

}  // namespace temper
