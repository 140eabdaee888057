#pragma once
#include "core/config.h"

namespace temper {

/// The `ema` section: an exponential moving average of the parameters after every step,
///   avg <- a avg + (1 - a) theta,   a = min(1 - 1/(t + 1), decay) with warm-up, t counting steps from 1.
struct EmaOptions {
  double decay = 0;  ///< 0: off
  bool warm_up = true;
  bool on() const { return decay > 0; }
  void fields(Fields& f);
};

/// The `swa` section: the plain mean of the parameters, sampled from epoch `start` on (Izmailov et al. 2018; Chen et
/// al. 2021 for adversarial training).
struct SwaOptions {
  int64_t start = 0;  ///< first epoch (1-based) whose weights count; 0: off
  int64_t every = 0;  ///< steps between samples; 0: once per epoch, at its end
  bool on() const { return start > 0; }
  void fields(Fields& f);
};

}  // namespace temper
