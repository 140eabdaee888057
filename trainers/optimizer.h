#pragma once
#include <string>
#include <vector>

#include "core/config.h"
#include "core/params.h"

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

}  // namespace temper
