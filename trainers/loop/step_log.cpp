#include "trainers/loop/step_log.h"

#include <algorithm>

#include "kernels/runtime/capture.h"
#include "trainers/methods/parts/scalar.h"

namespace temper {

void StepLog::open() {
  const auto forget = [this] {
    terms_.clear();
    numbers_.clear();
  };
  forget();
  engine_.capture().on_replay(forget);
}

void StepLog::check_new(const std::string& name) const {
  const bool taken = std::find(terms_.begin(), terms_.end(), name) != terms_.end() ||
                     std::any_of(numbers_.begin(), numbers_.end(), [&](const auto& n) { return n.first == name; });
  TEMPER_CHECK(!taken, "log: '", name, "' is logged twice in one step; give each term its own name");
}

void StepLog::put(const std::string& name, const Tensor& term) {
  check_new(name);
  TEMPER_CHECK(term.numel() == 1, "log: expected one number as '", name, "', got ", term.shape,
               "; log the mean of values per sample");
  TEMPER_CHECK(terms_.size() < kMost, "log: expected at most ", kMost, " terms in a step, and '", name,
               "' is one more");
  put_scalar(engine_, term, places_.rows(static_cast<int64_t>(terms_.size()), 1));
  terms_.push_back(name);
  engine_.capture().on_replay([this, name] { terms_.push_back(name); });
}

void StepLog::put(const std::string& name, double value) {
  engine_.capture().forbid_in_capture("log: a number of the host");
  check_new(name);
  numbers_.emplace_back(name, value);
}

Metrics StepLog::read(std::span<const double> places) const {
  Metrics all;
  for (size_t i = 0; i < terms_.size(); ++i) all.emplace_back(terms_[i], places[i]);
  all.insert(all.end(), numbers_.begin(), numbers_.end());
  return all;
}

}  // namespace temper
