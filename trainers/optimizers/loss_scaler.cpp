#include "trainers/optimizers/loss_scaler.h"

#include <algorithm>
#include <cmath>

#include "kernels/runtime/memory.h"

namespace temper {

LossScaler::LossScaler(const Engine& engine)
    : chosen_(engine.options().loss_scale == 0), stream_(engine.stream()), memory_(stream_, 1) {}

std::optional<LossScales> LossScaler::scales() const {
  if (!chosen_) return {};
  const Values* at = memory_.data();
  return LossScales{.params = LossScale{ScalarArg<float>(&at->up), ScalarArg<float>(&at->down)},
                    .inputs = LossScale{ScalarArg<float>(&at->up_each), ScalarArg<float>(&at->down_each)}};
}

double LossScaler::scale() const { return std::ldexp(1.0, static_cast<int>(exponent_)); }

void LossScaler::set() {
  if (!chosen_) return;
  constexpr float kSamples = 64;
  const auto up = static_cast<float>(scale());
  now_ = {.up = up, .down = 1 / up, .up_each = up / kSamples, .down_each = kSamples / up};
  copy(stream_, memory_.data(), stream_.device, &now_, Device::cpu, sizeof now_);
}

void LossScaler::kept() {
  if (++good_ < kGoodSteps) return;
  good_ = 0;
  exponent_ = std::min(exponent_ + 1, kHighest);
}

bool LossScaler::halve() {
  if (!chosen_ || exponent_ == kLowest) return false;
  --exponent_;
  ++left_out_;
  good_ = 0;
  return true;
}

void LossScaler::visit_state(StateVisitor& v) {
  if (!chosen_) return;
  v("loss_scale.exponent", exponent_);
  v("loss_scale.good_steps", good_);
  v("loss_scale.left_out", left_out_);
}

}  // namespace temper
