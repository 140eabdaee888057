#pragma once
#include <functional>

#include "core/config/config.h"
#include "data/batch.h"
#include "nn/module.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// Where the BatchNorm running statistics of averaged weights come from. copy: from the trained network; average:
/// averaged like the parameters; estimate: one pass over the training images with the averaged weights; estimate_all:
/// the same pass, in which attacks on the averaged weights update the statistics, too.
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

  /// Adds a sample of the network's parameters, and of its running statistics if bn is `average`.
  void add(Engine& engine, const Network& network, double keep, AverageBn bn);
  /// Adds only the parameters of a sample, and nothing if `moves` is 0. add_statistics() completes the sample.
  void add_parameters(Engine& engine, const Network& network, ScalarArg<double> keep, ScalarArg<uint32_t> moves = 1);
  /// Completes a sample whose parameters were added by add_parameters(), or by the optimiser (EmaTarget).
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

/// How BatchNorm statistics are estimated: in one pass over training images.
struct BnEstimate {
  Loader& images;
  int64_t epoch = 1;
  int branch = 0;
  /// The images to estimate on for a batch, in the engine's arena; empty: the batch's own. `momentum` is the one of the
  /// batch before: official code attacks with the BatchNorms in that state.
  std::function<Tensor(const Batch&, double momentum)> take;
};

/// Replaces the running statistics of one branch of `weights` by the mean of the batch statistics over all batches,
/// weighted by their images (PyTorch's update_bn). The other branches get the network's statistics.
void estimate_bn(Engine& engine, const Network& network, Weights& weights, const BnEstimate& estimate);

}  // namespace temper
