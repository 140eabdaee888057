#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "nn/predictor.h"

namespace TEMPER_API temper {

/// The `invariance` section: the options of AR-AT's invariance loss, with the variants of the paper's ablations.
struct InvarianceOptions {
  enum class Gradient : uint8_t { adversarial, clean, both, symmetric };
  enum class Predictor : uint8_t { none, adversarial, clean, both };
  enum class Metric : uint8_t { cosine, mse, kl };
  enum class Heads : uint8_t { own, shared };
  enum class KlFactor : uint8_t { temperature_squared, none };

  float lambda = 30;
  std::vector<std::string> layers;  ///< names of taps or globs; empty: chosen by the network
  Gradient gradient = Gradient::adversarial;
  Predictor predictor = Predictor::adversarial;
  Heads heads = Heads::own;  ///< of predictor `both`
  Metric metric = Metric::cosine;
  float temperature = 1;  ///< of kl
  KlFactor kl_factor = KlFactor::temperature_squared;
  void fields(Fields& f);
};

/// The invariance loss of AR-AT (Waseda et al. 2025), a distance between the features of adversarial and clean images:
///   mean over the layers l of D(h_l(v_l(adversarial)), sg(v_l(clean))),
/// where v_l is the global average over the image of ReLU(output of layer l), h_l a predictor, sg a stop-gradient, and
/// D the mean over the batch of 1 - cos. With `metric`, D is the mean squared difference instead, or T^2
/// KL(softmax(target / T) || softmax(moved / T)) over channels. `gradient` selects the side that is moved, as in the
/// official code. With a = v_l(adversarial), c = v_l(clean) and h the predictor of a side (the identity, if `predictor`
/// leaves that side out):
///   adversarial  D(h(a), h(sg c))                      clean      D(h(c), h(sg a))
///   both         (D(h(a), sg c) + D(h(c), sg a)) / 2   symmetric  D(h(a), h(c)), no stop-gradient
/// The stop-gradient comes before the predictor, so the predictor is trained on both sides.
class Invariance {
 public:
  /// Looks up the layers in `network`. Without options.layers they are those of the paper (the BatchNorms of the last
  /// stage of a ResNet; for a Wide ResNet also its last pooling) or, in other networks, the last two ReLUs. Throws
  /// Error, with the nearest name, if a glob matches nothing.
  Invariance(Engine& engine, const Network& network, const InvarianceOptions& options);

  const std::vector<std::string>& layers() const { return layers_; }
  /// The taps for a pass whose features are to be compared.
  Taps taps() const { return Taps(layers_); }
  /// The mean over the layers, not yet times lambda. Both passes must have run on `tape`.
  Var loss(Tape& tape, const Taps& adversarial, const Taps& clean) const;
  /// Null if the options use no predictor.
  const Predictors* predictors() const { return predictors_.get(); }

 private:
  using Side = InvarianceOptions::Predictor;  ///< adversarial or clean
  /// The features of a side through its predictor, if it has one.
  Var predicted(Tape& tape, size_t i, Side side, const Var& features) const;
  Var distance(Tape& tape, const Var& moved, const Var& target) const;
  Var layer_loss(Tape& tape, size_t i, const Var& adversarial, const Var& clean) const;

  InvarianceOptions options_;
  std::vector<std::string> layers_;
  std::unique_ptr<Predictors> predictors_;
};

}  // namespace temper
