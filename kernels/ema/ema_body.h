#pragma once
// The body of ema, per element: also that of kernels that do more in the same pass.
#include <cstdint>

#include "kernels/runtime/hd.h"

namespace temper::ema_body {

template <class T>
struct Ema {
  T keep, take;

  explicit Ema(double decay) : keep(decay), take(1 - decay) {}
  HD void operator()(int64_t, T& average, T w) const { average = keep * average + take * w; }
};

}  // namespace temper::ema_body
