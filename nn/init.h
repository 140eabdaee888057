#pragma once
#include "core/params.h"

namespace TEMPER_API temper {
namespace init {

Init zeros();
Init ones();
/// N(0, std^2).
Init normal(double std);
/// U(-bound, bound).
Init uniform(double bound);
/// N(0, 2 / fan), with fan = k * k * channels out (fan_out) or in (fan_in): He et al. 2015.
Init kaiming_normal(int64_t fan);
/// PyTorch's default for conv and linear layers, weight and bias alike: U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
Init torch_default(int64_t fan_in);

/// The initialisation of a layer's weights as a function of its fans (k * k * channels).
using Rule = Init (*)(int64_t fan_in, int64_t fan_out);
Init torch_rule(int64_t fan_in, int64_t fan_out);   ///< torch_default(fan_in)
Init he_in_rule(int64_t fan_in, int64_t fan_out);   ///< kaiming_normal(fan_in)
Init he_out_rule(int64_t fan_in, int64_t fan_out);  ///< kaiming_normal(fan_out)

}  // namespace init
}  // namespace temper
