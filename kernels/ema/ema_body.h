#pragma once
// The body of ema, per element: also that of kernels that do more in the same pass.
#include <cstdint>

#include "kernels/runtime/hd.h"
#include "kernels/runtime/scalar_arg.h"

namespace temper::ema_body {

template <class T>
struct Ema {
  T keep, take;

  TEMPER_HD explicit Ema(double decay) : keep(decay), take(1 - decay) {}
  TEMPER_HD void operator()(int64_t, T& average, T w) const { average = keep * average + take * w; }
};

/// With a decay that is read when the kernel starts.
template <class T>
struct LiveEma {
  ScalarArg<double> decay;
  ScalarArg<uint32_t> moves;
  TEMPER_HD bool skip() const { return moves.now() == 0; }
  TEMPER_HD Ema<T> bind() const { return Ema<T>(decay.now()); }
};

}  // namespace temper::ema_body
