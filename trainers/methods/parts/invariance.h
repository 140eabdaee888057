#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "nn/predictor.h"

namespace temper {

/// The `invariance` section: what AR-AT asks of features, and the variants its ablations compare.
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

/// How far the features of adversarial images are from those of clean ones (Waseda et al. 2025, AR-AT):
///   mean over the layers l of D(h_l(v_l(adversarial)), sg(v_l(clean))),
/// v_l being the global average over the image of ReLU(output of layer l), h_l a predictor and D the mean over the
/// batch of 1 - cos; or, by `metric`, the mean squared difference, or T^2 KL(softmax(target / T) || softmax(moved / T))
/// over channels. With a and c for v_l(adversarial) and v_l(clean), and h for the predictor of a side, or nothing where
/// `predictor` leaves that side out, `gradient` is, as in the official code,
///   adversarial  D(h(a), h(sg c))                      clean      D(h(c), h(sg a))
///   both         (D(h(a), sg c) + D(h(c), sg a)) / 2   symmetric  D(h(a), h(c)), no stop-gradient
/// A stop is before the predictor, which therefore learns on either side.
class Invariance {
 public:
  /// Looks the layers up in `network`. Without options.layers they are the papers' where it has such layers (the
  /// BatchNorms of a ResNet's last stage; those of a Wide ResNet's and its last pooling), else its last two ReLUs.
  /// Throws Error, with the nearest name, where a glob matches nothing.
  Invariance(Engine& engine, const Network& network, const InvarianceOptions& options);

  const std::vector<std::string>& layers() const { return layers_; }
  /// What a pass needs for its features to be compared.
  Taps taps() const { return Taps(layers_); }
  /// The mean over the layers, not yet times lambda. Both passes must have run on `tape`.
  Var loss(Tape& tape, const Taps& adversarial, const Taps& clean) const;
  /// Null where the options want none.
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
