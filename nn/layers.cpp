#include "nn/layers.h"

#include <algorithm>

#include "core/ops/batch.h"
#include "core/ops/elementwise.h"
#include "core/ops/linear.h"
#include "core/ops/pool.h"
#include "nn/gates.h"

namespace temper {

namespace {

// Whether the ReLU cannot be fused with what comes before, because it is computed by Pass::gates.
bool has_gate(const Pass& pass, Activation activation) { return pass.gates && activation == Activation::relu; }

Var finish(Tape& tape, const Pass& pass, Var y, const Var& residual, Activation activation) {
  if (residual.value) y = add(tape, y, residual);
  if (has_gate(pass, activation)) return pass.gates->relu(tape, y);
  return activation == Activation::relu ? relu(tape, y) : y;
}

Var tap_relu(const Pass& pass, const std::string& name, const Var& y, Activation activation) {
  return activation == Activation::relu && pass.taps ? tap(pass, name + ".relu", y) : y;
}

}  // namespace

Conv2d::Conv2d(const Builder& b, const std::string& name, const ConvSpec& spec) : name_(b.full(name)), spec_(spec) {
  const int64_t window = static_cast<int64_t>(spec.size) * spec.size, fan_in = window * spec.in;
  weight_ = b.param(name + ".weight", {spec.out, spec.size, spec.size, spec.in}, spec.init(fan_in, window * spec.out));
  if (spec.bias == Bias::yes) bias_ = b.param(name + ".bias", {spec.out}, init::torch_default(fan_in));
}

Var Conv2d::operator()(Tape& tape, const Var& x, const Pass& pass, const Var& residual, Activation activation) const {
  const Filter w = weight(tape, pass);
  const Var bias = bias_ < 0 ? Var{} : tape.param(pass.weights->params, bias_);
  Var y;
  if (wanted(pass, name_) || has_gate(pass, activation) || (!residual.value && activation == Activation::none))
    y = finish(tape, pass, tap(pass, name_, conv2d(tape, x, w, bias, options())), residual, activation);
  else
    y = conv2d_act(tape, x, w, bias, options(), residual, activation);
  return tap_relu(pass, name_, y, activation);
}

BatchNorm::BatchNorm(const Builder& b, const std::string& name, int64_t channels, double momentum)
    : name_(b.full(name)), momentum_(momentum) {
  for (const std::string& branch : b.branches()) {
    const Builder in = branches_.empty() ? b / name : b / name / branch;
    branches_.push_back({in.param("weight", {channels}, init::ones()), in.param("bias", {channels}, init::zeros()),
                         in.buffer("running_mean", {channels}, init::zeros()),
                         in.buffer("running_var", {channels}, init::ones())});
  }
}

BatchNormVars BatchNorm::vars(Tape& tape, const Pass& pass) const {
  const Branch& b = branches_.at(pass.branch);
  const Weights& w = *pass.weights;
  return {.gamma = tape.param(w.params, b.gamma),
          .beta = tape.param(w.params, b.beta),
          .running_mean = w.buffers.view(b.mean),
          .running_var = w.buffers.view(b.var),
          .version = std::max(w.params.version(), w.buffers.version())};
}

void BatchNorm::ran(const Pass& pass) {
  if (pass.bn == BnStats::batch && pass.update == BnUpdate::yes) pass.weights->buffers.bump_version();
}

Var BatchNorm::normalise(Tape& tape, const Var& x, const Pass& pass, const Var& residual, Activation activation) const {
  if (!pass.rest) return batch_norm(tape, x, vars(tape, pass), options(pass), residual, activation);
  const auto part = [&](int branch, int64_t first, int64_t count) {
    Pass alone = pass;
    alone.branch = branch;
    alone.rest.reset();
    return normalise(tape, rows(tape, x, first, count), alone,
                     residual.value ? rows(tape, residual, first, count) : Var{}, activation);
  };
  const int64_t from = pass.rest->from;
  const Var head = part(pass.branch, 0, from);
  return concat(tape, head, part(pass.rest->branch, from, x.value.shape[0] - from));
}

Var BatchNorm::operator()(Tape& tape, const Var& x, const Pass& pass, const Var& residual,
                          Activation activation) const {
  Var y;
  if (wanted(pass, name_) || has_gate(pass, activation))
    y = finish(tape, pass, tap(pass, name_, normalise(tape, x, pass, {}, Activation::none)), residual, activation);
  else
    y = normalise(tape, x, pass, residual, activation);
  ran(pass);
  return tap_relu(pass, name_, y, activation);
}

ConvUnit::ConvUnit(const Builder& b, const std::string& conv_name, const std::string& bn_name, const ConvSpec& spec,
                   double momentum)
    : conv_(b, conv_name, spec) {
  if (!bn_name.empty()) bn_.emplace(b, bn_name, spec.out, momentum);
}

Var ConvUnit::operator()(Tape& tape, const Var& x, const Pass& pass, const Var& residual, Activation activation) const {
  if (!bn_) return conv_(tape, x, pass, residual, activation);
  // Both are asked, so that both names are known to a misspelt tap.
  const bool conv_tapped = wanted(pass, conv_.name()), bn_tapped = wanted(pass, bn_->name());
  if (conv_tapped || bn_tapped || pass.rest || has_gate(pass, activation))
    return (*bn_)(tape, conv_(tape, x, pass), pass, residual, activation);
  const Var y = conv2d_batch_norm(tape, x, conv_.weight(tape, pass), conv_.options(), bn_->vars(tape, pass),
                                  bn_->options(pass), residual, activation);
  BatchNorm::ran(pass);
  return tap_relu(pass, bn_->name(), y, activation);
}

Linear::Linear(const Builder& b, const std::string& name, const Spec& spec) : name_(b.full(name)) {
  weight_ = b.param(name + ".weight", {spec.out, spec.in}, spec.init(spec.in, spec.out));
  if (spec.bias == Bias::yes)
    bias_ = b.param(name + ".bias", {spec.out}, spec.bias_init ? spec.bias_init : init::torch_default(spec.in));
}

Var Linear::operator()(Tape& tape, const Var& x, const Pass& pass) const {
  const ParamBuffer& w = pass.weights->params;
  return tap(pass, name_, linear(tape, x, tape.param(w, weight_), bias_ < 0 ? Var{} : tape.param(w, bias_)));
}

Var PooledLinear::operator()(Tape& tape, const Var& x, const Pass& pass) const {
  return linear_(tape, tap(pass, "features", global_avg_pool(tape, x)), pass);
}

}  // namespace temper
