#pragma once
#include <optional>
#include <string>

#include "nn/module.h"

namespace TEMPER_API temper {

enum class Bias : uint8_t { no, yes };

struct ConvSpec {
  int64_t in = 0, out = 0;
  int size = 3, stride = 1, pad = 1;
  Bias bias = Bias::no;
  init::Rule init = init::torch_rule;  ///< of the weights; a bias is always PyTorch's default
};

/// [relu](convolution [+ residual]). Parameters NAME.weight (K, R, S, C) and NAME.bias (K).
class Conv2d {
 public:
  Conv2d(const Builder& b, const std::string& name, const ConvSpec& spec);
  Var operator()(Tape& tape, const Var& x, const Pass& pass, const Var& residual = {},
                 Activation activation = Activation::none) const;

  const std::string& name() const { return name_; }
  ConvOptions options() const { return {.stride = spec_.stride, .pad = spec_.pad}; }
  Filter weight(Tape& tape, const Pass& pass) const { return filter(tape, pass.weights->params, weight_); }

 private:
  std::string name_;
  ConvSpec spec_;
  int weight_, bias_ = -1;
};

/// [relu](BatchNorm [+ residual]), one set of parameters and statistics per branch of the network; `momentum` is that
/// of the running statistics unless the pass says otherwise. The first branch has PyTorch's names, NAME.weight,
/// NAME.bias, NAME.running_mean, NAME.running_var; another one has NAME.BRANCH.weight etc. With Pass::rest the two
/// parts of the batch are normalised separately, the first part first.
class BatchNorm {
 public:
  static constexpr double kMomentum = BatchNormOptions{}.momentum;
  BatchNorm(const Builder& b, const std::string& name, int64_t channels, double momentum = kMomentum);
  Var operator()(Tape& tape, const Var& x, const Pass& pass, const Var& residual = {},
                 Activation activation = Activation::none) const;

  const std::string& name() const { return name_; }
  BatchNormVars vars(Tape& tape, const Pass& pass) const;
  BatchNormOptions options(const Pass& pass) const {
    return {.stats = pass.bn, .update = pass.update, .momentum = pass.momentum.value_or(momentum_)};
  }
  /// To be called after a pass that used vars(): bumps the version of the running statistics if the pass updated them.
  static void ran(const Pass& pass);

 private:
  struct Branch {
    int gamma, beta, mean, var;
  };
  Var normalise(Tape& tape, const Var& x, const Pass& pass, const Var& residual, Activation activation) const;

  std::string name_;
  double momentum_;
  std::vector<Branch> branches_;
};

/// [relu](BatchNorm(convolution) [+ residual]) or, with `bn_name` empty, the same without BatchNorm. The parts are
/// fused, or BatchNorm is folded into the filter, where possible and unless an inner output is tapped.
class ConvUnit {
 public:
  ConvUnit(const Builder& b, const std::string& conv_name, const std::string& bn_name, const ConvSpec& spec,
           double momentum = BatchNorm::kMomentum);
  Var operator()(Tape& tape, const Var& x, const Pass& pass, const Var& residual = {},
                 Activation activation = Activation::none) const;

 private:
  Conv2d conv_;
  std::optional<BatchNorm> bn_;
};

/// x (N, in) -> (N, out), f32 (f64). Parameters NAME.weight (out, in) and, unless the spec says no, NAME.bias (out).
class Linear {
 public:
  struct Spec {
    int64_t in = 0, out = 0;
    init::Rule init = init::torch_rule;
    Init bias_init = {};  ///< empty: PyTorch's default
    Bias bias = Bias::yes;
  };
  Linear(const Builder& b, const std::string& name, const Spec& spec);
  Var operator()(Tape& tape, const Var& x, const Pass& pass) const;

 private:
  std::string name_;
  int weight_, bias_ = -1;
};

/// global_avg_pool, tapped as "features", then the last linear layer: the head of every network except `sequential`.
class PooledLinear {
 public:
  PooledLinear(const Builder& b, const std::string& name, const Linear::Spec& spec) : linear_(b, name, spec) {}
  Var operator()(Tape& tape, const Var& x, const Pass& pass) const;

 private:
  Linear linear_;
};

}  // namespace temper
