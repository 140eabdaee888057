#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "nn/predictor.h"

namespace temper {

/// The `invariance` section: what AR-AT asks of features, and the variants its ablations compare.
struct InvarianceOptions {
  enum class Gradient : uint8_t { adversarial, clean, both, symmetric };
  enum class Predictor : uint8_t { none, adversarial, clean, both };
  enum class Metric : uint8_t { cosine, mse, kl };

  float lambda = 30;
  std::vector<std::string> layers;  ///< names of taps or globs; empty: chosen by the network
  Gradient gradient = Gradient::adversarial;
  Predictor predictor = Predictor::adversarial;
  Metric metric = Metric::cosine;
  float temperature = 1;  ///< of kl
  void fields(Fields& f);
};

/// How far the features of adversarial images are from those of clean ones (Waseda et al. 2025, AR-AT):
///   mean over the layers l of D(h_l(v_l(adversarial)), sg(v_l(clean))),
/// v_l being the global average over the image of ReLU(output of layer l), h_l a predictor and D the mean over the
/// batch of 1 - cos; or, by `metric`, the mean squared difference, or KL(softmax(stopped / T) || softmax(moved / T))
/// over channels. With a = [h_l](v_l(adversarial)) and c = [h_l](v_l(clean)), `predictor` saying which of the two have
/// h_l, `gradient` is
///   adversarial  D(a, sg c)                     clean      D(c, sg a)
///   both         (D(a, sg c) + D(c, sg a)) / 2  symmetric  D(a, c), no stop-gradient
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
  Var distance(Tape& tape, const Var& moved, const Var& target) const;
  Var layer_loss(Tape& tape, size_t i, const Var& adversarial, const Var& clean) const;

  InvarianceOptions options_;
  std::vector<std::string> layers_;
  std::unique_ptr<Predictors> predictors_;
};

}  // namespace temper
