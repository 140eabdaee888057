#pragma once
#include <vector>

#include "core/tape.h"

namespace TEMPER_API temper {

/// The ReLUs of a network whose gates stay where one pass had them: with Pass::gates set, the first pass computes
/// max(x, 0) and remembers which elements are above 0; each further pass lets those elements through and makes the
/// others 0. Between such passes the logits are a smooth function of the images, so a difference quotient of them
/// approaches what automatic differentiation computes, which differentiates no gate.
class Gates {
 public:
  /// The next pass is a further one. To be called before each of them.
  void repeat() { next_ = 0; }
  /// For layers. `tape` of the first pass must live as long as the further ones. Throws InternalError if a further pass
  /// has other ReLUs than the first.
  Var relu(Tape& tape, const Var& x);

 private:
  std::vector<Tensor> open_;  ///< the results of the first pass
  int next_ = -1;             ///< ReLU of the pass; -1: this is the first one
};

}  // namespace temper
