#pragma once
#include <cstdint>

#include "core/config/config.h"
#include "core/registry.h"

namespace TEMPER_API temper {

/// The position of an optimiser step in the run.
struct Position {
  int64_t epoch = 1;  ///< 1-based
  int64_t step = 0;   ///< within the epoch, 0-based
  int64_t steps_per_epoch = 1;
  int64_t epochs = 1;
};

/// The learning rate of every step. Stateless: a resumed run needs nothing but its position. `base` is optimizer.lr.
class Schedule {
 public:
  virtual ~Schedule() = default;
  virtual void fields(Fields&) {}
  /// Checks the fields against the number of epochs of the run; `f` is the section again, for messages with a position.
  virtual void check(const Fields& /*f*/, int64_t /*epochs*/) const {}
  virtual double rate(double base, const Position& at) const = 0;
};

}  // namespace temper
