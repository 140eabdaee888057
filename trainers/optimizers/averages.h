#pragma once
#include <functional>

#include "core/config/config.h"
#include "data/batch.h"
#include "nn/module.h"
#include "trainers/trainer.h"

namespace temper {

/// Where the BatchNorm running statistics of averaged weights come from: the trained network's, the same average as the
/// parameters, or one pass over the training images with the averaged weights; `estimate_all`: in that pass, attacks on
/// the averaged weights move them, too.
enum class AverageBn : uint8_t { copy, average, estimate, estimate_all };

/// The `ema` section: an exponential moving average of the parameters after every step,
///   avg <- a avg + (1 - a) theta,   a = min(1 - 1/(t + 1), decay) with warm-up, t counting steps from 1.
struct EmaOptions {
  double decay = 0;  ///< 0: off
  bool warm_up = true;
  AverageBn bn = AverageBn::copy;
  bool on() const { return decay > 0; }
  void fields(Fields& f);
};

/// The `swa` section: the plain mean of the parameters, sampled from epoch `start` on (Izmailov et al. 2018; Chen et
/// al. 2021 for adversarial training).
struct SwaOptions {
  enum class Count : uint8_t { done, ahead };
  int64_t start = 0;  ///< first epoch (1-based) whose weights count; 0: off
  int64_t every = 0;  ///< steps between samples; 0: once per epoch, at its end
  Count count = Count::done;
  AverageBn bn = AverageBn::estimate;
  bool on() const { return start > 0; }
  /// Whether a sample is due after a step: the `done`-th of its epoch of `steps`, from 1.
  bool due(int64_t epoch, int64_t done, int64_t steps) const;
  void fields(Fields& f);
};

/// Averaged weights of a network: avg <- keep * avg + (1 - keep) * theta.
class Average {
 public:
  Average(Engine& engine, const Network& network);

  /// One more sample of the network's parameters; of its running statistics too if bn is `average`.
  void add(Engine& engine, const Network& network, double keep, AverageBn bn);
  /// The parameters of a sample alone, if `moves` is not 0; see add_statistics().
  void add_parameters(Engine& engine, const Network& network, ScalarArg<double> keep, ScalarArg<uint32_t> moves = 1);
  /// The rest of a sample whose parameters the optimiser has added while it moved them (EmaTarget).
  void add_statistics(Engine& engine, const Network& network, double keep, AverageBn bn);
  int64_t count() const { return count_; }  ///< samples so far
  Weights& weights() { return weights_; }
  void visit_state(StateVisitor& v, const std::string& name);

 private:
  Weights weights_;
  int64_t count_ = 0;
};

/// `keep` of the t-th sample (from 1) of an exponential average.
double ema_keep(const EmaOptions& options, int64_t t);

class Loader;

/// One pass over training images to estimate BatchNorm statistics on.
struct BnEstimate {
  Loader& images;
  int64_t epoch = 1;
  int branch = 0;
  /// What is taken of a batch, in the engine's arena; empty: its images. `momentum` is the share of the batch before,
  /// with which official code leaves the BatchNorms when it attacks.
  std::function<Tensor(const Batch&, double momentum)> take;
};

/// Replaces the running statistics of one branch of `weights` by the mean of the batch statistics that they give over
/// all batches, every image counting alike: PyTorch's update_bn. The other branches get the network's.
void estimate_bn(Engine& engine, const Network& network, Weights& weights, const BnEstimate& estimate);

}  // namespace temper
