#include "nn/gates.h"

#include "core/ops/elementwise.h"

namespace temper {

Var Gates::relu(Tape& tape, const Var& x) {
  if (next_ < 0) {
    const Var y = temper::relu(tape, x);
    open_.push_back(y.value);
    return y;
  }
  TEMPER_ASSERT(next_ < static_cast<int>(open_.size()), "gates: the passes have different ReLUs");
  return gated(tape, x, open_[next_++]);
}

}  // namespace temper
