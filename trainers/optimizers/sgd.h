#pragma once
#include "trainers/optimizers/optimizer.h"

namespace TEMPER_API temper {

struct SgdOptions {
  double lr = 0.1;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  bool nesterov = false;
};

/// Stochastic gradient descent with momentum, in PyTorch's order of operations (kernels/sgd_step). Updates a moving
/// average and the 16-bit copy of the weights in the same pass.
class Sgd : public Optimizer {
 public:
  explicit Sgd(const SgdOptions& options = {});
  void fields(Fields& f) override;
  std::vector<std::string> state() const override { return {"momentum"}; }
  void update(Stream stream, const Update& u) const override { update_with(stream, u, {}); }
  bool handles_masks() const override { return true; }
  bool update_with(Stream stream, const Update& u, const FusedCopies& f) const override;

 private:
  double momentum_;
  bool nesterov_;
};

}  // namespace temper
