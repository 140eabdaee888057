#pragma once
#include <string>
#include <vector>

#include "core/config.h"
#include "core/params.h"
#include "trainers/trainer.h"

namespace temper {

/// The `optimizer` section: SGD with momentum, in PyTorch's order of operations.
struct SgdOptions {
  double lr = 0.1;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  bool nesterov = false;
  std::vector<std::string> no_decay;  ///< globs of parameters without weight decay; none: decay acts on all
  void fields(Fields& f);
};

/// Stochastic gradient descent over flat buffers: one kernel launch for every run of parameters that are treated alike,
/// which is one launch unless parameters are frozen or exempt from weight decay. Frozen parameters do not move, nor
/// does their momentum.
class Sgd {
 public:
  /// `params` must outlive the optimiser. Throws Error if a no_decay glob matches nothing.
  Sgd(Flat& params, const SgdOptions& options, Stream stream);

  void step(Stream stream, const Flat& gradient, double lr, GradientMask mask = {});
  Flat& momentum() { return momentum_; }

 private:
  struct Range {
    int64_t from, count;
    double weight_decay;
  };
  Flat& params_;
  Flat momentum_;
  SgdOptions options_;
  std::vector<Range> ranges_;
};

}  // namespace temper
