#include "nn/module.h"

#include <algorithm>
#include <cmath>

#include "core/memory/host_memory.h"
#include "core/ops/image.h"
#include "core/text.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"

namespace temper {

Taps::Taps(const std::vector<std::string>& names) {
  for (const std::string& name : names) found_.emplace(name, Var{});
}

bool Taps::wants(const std::string& name) {
  if (std::find(seen_.begin(), seen_.end(), name) == seen_.end()) seen_.push_back(name);
  return found_.count(name) > 0;
}

const Var& Taps::at(const std::string& name) const {
  const auto it = found_.find(name);
  TEMPER_CHECK(it != found_.end(), "taps: '", name, "' was not asked for before the pass");
  TEMPER_CHECK(it->second.value, "taps: no layer called '", name, "' ran", did_you_mean(name, seen_));
  return it->second;
}

Builder Builder::operator/(const std::string& name) const {
  Builder part = *this;
  part.prefix_ += name + ".";
  return part;
}

Network::Network(Engine& engine, const Architecture& architecture, Options options) : options_(std::move(options)) {
  const auto check = [&](const char* what, const std::vector<double>& v) {
    TEMPER_CHECK(v.empty() || static_cast<int64_t>(v.size()) == options_.data.channels, "model: ", what, " has ",
                 v.size(), " values, but images have ", options_.data.channels, " channels");
  };
  check("mean", options_.mean);
  check("std", options_.std);
  TEMPER_CHECK(options_.mean.size() == options_.std.size(), "model: give both mean and std, or neither");
  TEMPER_CHECK(!options_.branches.empty(), "model: branches must name at least one set of BatchNorms");
  body_ = architecture.build(Builder(params_, buffers_, options_.branches), options_.data);
  // The system grants more memory than it has, and ends the process when the missing part is written.
  const double bytes =
      static_cast<double>(params_.size() + buffers_.size()) * static_cast<double>(size_of(options_.dtype));
  TEMPER_CHECK(engine.device() != Device::cpu || bytes < static_cast<double>(memory_of_host()),
               "model: expected a network that fits into the ", memory_of_host() >> 30, " GB of this machine, got ",
               params_.numel(), " parameters, which take ", std::llround(bytes / (1 << 30)), " GB");
  weights_ = std::make_unique<Weights>(make_weights(engine));
  weights_->params.initialise(options_.seed);
  weights_->buffers.initialise(options_.seed);
}

Var Network::operator()(Tape& tape, const Var& images, Pass pass) const {
  const Shape& s = images.value.shape;
  const DataShape& d = options_.data;
  TEMPER_CHECK(s.rank() == 4 && s[1] == d.height && s[2] == d.width && s[3] == d.channels,
               "model: expected images (N, ", d.height, ", ", d.width, ", ", d.channels, "), got ", s);
  for (const int branch : {pass.branch, pass.rest ? pass.rest->branch : pass.branch})
    TEMPER_CHECK(branch >= 0 && branch < static_cast<int>(options_.branches.size()),
                 "model: there is no BatchNorm branch ", branch, ", only ", join(options_.branches));
  TEMPER_CHECK(!pass.rest || (pass.rest->from > 0 && pass.rest->from < s[0]),
               "model: expected the rest of the batch to begin inside it, images are ", s, ", got ",
               pass.rest ? pass.rest->from : 0);
  if (!pass.weights) pass.weights = weights_.get();
  const PhaseRange phase(tape.stream(), "forward");
  return body_->forward(tape, normalize(tape, images, options_.mean, options_.std), pass);
}

Tensor Network::predict(Engine& engine, const Tensor& images, Pass pass) const {
  const Tensor logits = engine.arena().tensor({images.shape[0], options_.data.classes}, options_.dtype);
  Tape tape(engine, Wrt::nothing);
  const Tensor y = (*this)(tape, tape.input(images), pass).value;
  copy(engine.stream(), logits.data, logits.device, y.data, y.device, logits.bytes());
  return logits;
}

size_t Network::activation_bytes(Engine& engine) const {
  if (activation_bytes_ != 0) return activation_bytes_;
  Arena& arena = engine.arena();
  const Arena::Scope scope(arena);
  const DataShape& d = options_.data;
  const Tensor image = arena.tensor({1, d.height, d.width, d.channels}, options_.dtype);
  set_zero(engine.stream(), image.data, image.bytes());
  const size_t before = arena.used();
  Tape tape(engine, Wrt::input);
  (*this)(tape, tape.input(image), Pass::eval());
  return activation_bytes_ = arena.used() - before;
}

int Network::branch(const std::string& name) const {
  for (size_t i = 0; i < options_.branches.size(); ++i)
    if (options_.branches[i] == name) return static_cast<int>(i);
  fail("model: there is no BatchNorm branch '", name, "'", did_you_mean(name, options_.branches),
       " (known: ", join(options_.branches), "); list it in model.branches");
}

Weights Network::make_weights(Engine& engine) const {
  return {ParamBuffer(params_, options_.dtype, engine.stream()),
          ParamBuffer(buffers_, options_.dtype, engine.stream())};
}

void Network::copy_weights(Weights& to, const Weights& from) const {
  to.params.copy_from(from.params);
  to.buffers.copy_from(from.buffers);
}

}  // namespace temper
