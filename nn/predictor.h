#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"

namespace TEMPER_API temper {

/// Predictor heads (Chen & He 2021) that are trained with a network, one for each of several feature vectors (N, d):
///   Linear(d -> max(d / 4, 1), no bias), BatchNorm, ReLU, Linear(-> d).
/// They have their own parameters and running statistics, named as in PyTorch's nn.Sequential: NAME.0.weight, NAME.1.*,
/// NAME.3.weight, NAME.3.bias, where NAME is the feature's. PyTorch's default initialisation.
class Predictors {
 public:
  struct Feature {
    std::string name;
    int64_t width = 0;
  };
  Predictors(Engine& engine, const std::vector<Feature>& features, DType dtype, uint64_t seed);
  ~Predictors();
  Predictors(const Predictors&) = delete;

  /// Predictor `i` applied to x (N, width), with batch statistics, which update the running ones.
  Var operator()(Tape& tape, size_t i, const Var& x) const;

  const ParamLayout& params() const { return params_; }
  const ParamLayout& buffers() const { return buffers_; }
  Weights& weights() const { return *weights_; }

 private:
  ParamLayout params_, buffers_;
  std::vector<std::unique_ptr<Module>> all_;
  std::unique_ptr<Weights> weights_;
};

}  // namespace temper
