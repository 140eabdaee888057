#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/ops/conv.h"
#include "core/ops/norm.h"
#include "core/registry.h"
#include "core/tape.h"
#include "nn/init.h"

namespace TEMPER_API temper {

/// The weights of a network: parameters (trained) and buffers (BatchNorm running statistics).
struct Weights {
  ParamBuffer params, buffers;
};

/// Feature taps: name layers before a pass, read their outputs after it. The name of a convolution, a linear layer, a
/// block or a stage taps its output. The name of a BatchNorm taps its output before residual and ReLU; with ".relu"
/// appended, the output after them. "features" taps the input of the last linear layer.
class Taps {
 public:
  explicit Taps(const std::vector<std::string>& names);
  /// Called by every layer that runs.
  bool wants(const std::string& name);
  void put(const std::string& name, const Var& v) { found_.at(name) = v; }
  /// Throws Error, with the nearest name, if no layer of that name ran.
  const Var& at(const std::string& name) const;
  /// The names of all layers that ran, in order, whether tapped or not.
  const std::vector<std::string>& seen() const { return seen_; }

 private:
  std::map<std::string, Var> found_;
  std::vector<std::string> seen_;
};

class Gates;

/// The BatchNorm branch of the samples from `from` on, if a batch is made of two parts (concat).
struct RestOfBatch {
  int64_t from = 0;
  int branch = 0;
};

/// The options of one forward pass. There is no train/eval flag in the network.
struct Pass {
  BnStats bn = BnStats::batch;
  BnUpdate update = BnUpdate::yes;
  std::optional<double> momentum = {};  ///< of the running statistics; empty: each layer's own
  int branch = 0;                       ///< the BatchNorm branch, in a network with split BatchNorm
  /// If set, the batch has two parts (concat), which are normalised separately.
  std::optional<RestOfBatch> rest = {};
  Taps* taps = nullptr;
  Gates* gates = nullptr;      ///< if set, it computes the ReLUs (nn/gates.h)
  Weights* weights = nullptr;  ///< other weights of the same layout (an average, a revision); null: the network's own

  static Pass train() { return {}; }
  static Pass eval(int branch = 0) { return {.bn = BnStats::running, .update = BnUpdate::no, .branch = branch}; }
};

/// Layers are constructed with a Builder: it declares their parameters and buffers under their full names.
class Builder {
 public:
  Builder(ParamLayout& params, ParamLayout& buffers, std::vector<std::string> branches)
      : params_(&params), buffers_(&buffers), branches_(std::move(branches)) {}
  /// The builder of a sub-module: its names start with "NAME.".
  Builder operator/(const std::string& name) const;
  std::string full(const std::string& name) const { return prefix_ + name; }
  int param(const std::string& name, Shape shape, Init init) const { return params_->add(full(name), shape, init); }
  int buffer(const std::string& name, Shape shape, Init init) const { return buffers_->add(full(name), shape, init); }
  const std::vector<std::string>& branches() const { return branches_; }

 private:
  ParamLayout *params_, *buffers_;
  std::vector<std::string> branches_;  ///< names of the BatchNorm sets; one, "main", unless split
  std::string prefix_;
};

/// A differentiable part of a network. In forward() `pass.weights` is always set.
class Module {
 public:
  virtual ~Module() = default;
  virtual Var forward(Tape& tape, const Var& x, const Pass& pass) const = 0;
};

/// Whether a pass taps the output of this layer; tap() also stores it and returns v.
inline bool wanted(const Pass& pass, const std::string& name) { return pass.taps && pass.taps->wants(name); }
inline Var tap(const Pass& pass, const std::string& name, const Var& v) {
  if (wanted(pass, name)) pass.taps->put(name, v);
  return v;
}

/// The shape of a network's input images and its number of classes.
struct DataShape {
  int64_t height = 32, width = 32, channels = 3, classes = 10;
  friend bool operator==(const DataShape&, const DataShape&) = default;
};

/// A named architecture with its options from the `model` section. It builds the layers.
class Architecture {
 public:
  virtual ~Architecture() = default;
  virtual void fields(Fields&) {}
  virtual std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const = 0;
};

/// A network: layers, layout and weights. It maps images in [0, 1] to logits; normalisation by mean and std is its
/// first op.
class Network {
 public:
  struct Options {
    DataShape data = {};
    std::vector<double> mean = {}, std = {};       ///< per channel; empty: none
    std::vector<std::string> branches = {"main"};  ///< BatchNorm sets
    DType dtype = DType::f32;                      ///< of parameters and statistics
    uint64_t seed = 0;
  };
  Network(Engine& engine, const Architecture& architecture, Options options);
  Network(const Network&) = delete;

  /// Logits (N, classes) in f32 (f64) of images (N, H, W, C).
  Var operator()(Tape& tape, const Var& images, Pass pass) const;
  /// Logits without a tape, in the engine's arena: valid until the enclosing arena scope ends.
  Tensor predict(Engine& engine, const Tensor& images, Pass pass) const;
  /// The arena memory of a pass over one sample with a tape, in bytes. Measured at the first call.
  size_t activation_bytes(Engine& engine) const;
  /// The index of a BatchNorm branch. Throws Error with the known names.
  int branch(const std::string& name) const;

  const Options& options() const { return options_; }
  ParamLayout& params() { return params_; }
  const ParamLayout& params() const { return params_; }
  const ParamLayout& buffers() const { return buffers_; }
  Weights& weights() const { return *weights_; }
  /// Notes for the user about loaded weights, such as arrays that were ignored.
  const std::vector<std::string>& notes() const { return notes_; }
  void note(const std::string& text) { notes_.push_back(text); }
  /// New weights of the same layout, all zero.
  Weights make_weights(Engine& engine) const;
  void copy_weights(Weights& to, const Weights& from) const;

 private:
  Options options_;
  ParamLayout params_, buffers_;
  std::unique_ptr<Module> body_;
  std::unique_ptr<Weights> weights_;
  std::vector<std::string> notes_;
  mutable size_t activation_bytes_ = 0;  ///< 0: not measured yet
};

}  // namespace temper
