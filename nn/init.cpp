#include "nn/init.h"

#include <cmath>

namespace temper::init {

Init zeros() {
  return [](const RngKey&, uint32_t, uint32_t) { return 0.0; };
}
Init ones() {
  return [](const RngKey&, uint32_t, uint32_t) { return 1.0; };
}
Init normal(double std) {
  return [=](const RngKey& key, uint32_t param, uint32_t element) { return std * random_normal(key, param, element); };
}
Init uniform(double bound) {
  return [=](const RngKey& key, uint32_t param, uint32_t element) {
    return bound * (2.0 * random_uniform(key, param, element) - 1.0);
  };
}
Init kaiming_normal(int64_t fan) { return normal(std::sqrt(2.0 / static_cast<double>(fan))); }
Init torch_default(int64_t fan_in) { return uniform(1.0 / std::sqrt(static_cast<double>(fan_in))); }

Init torch_rule(int64_t fan_in, int64_t) { return torch_default(fan_in); }
Init he_in_rule(int64_t fan_in, int64_t) { return kaiming_normal(fan_in); }
Init he_out_rule(int64_t, int64_t fan_out) { return kaiming_normal(fan_out); }

}  // namespace temper::init
