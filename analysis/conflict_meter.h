#pragma once
#include <string>
#include <vector>

#include "analysis/loss_terms.h"
#include "attacks/pgd.h"
#include "nn/module.h"

namespace temper {

struct ConflictOptions {
  std::vector<LossPair> pairs = {{{"clean_ce"}, {"adversarial_ce"}}, {{"clean_ce", "adversarial_ce"}, {"kl"}}};
  std::vector<std::string> taps = {"features"};
  std::string clean_branch, adversarial_branch;
  Pgd attack;
  void fields(Fields& f);
};

/// Gradient conflict (ARAT): for each pair of losses, with gradients G1 and G2 over the convolution and linear weights
/// of a network, cos(G1, G2) and the share of weights with G1 * G2 < 0, averaged over batches. Both gradients come from
/// one tape with a clean and an adversarial pass with batch statistics; nothing is updated.
class ConflictMeter {
 public:
  /// `robust_branch`: the BatchNorm branch for adversarial images, if the options do not name one. All arguments must
  /// outlive this object.
  ConflictMeter(const ConflictOptions& options, Engine& engine, const Network& network, int robust_branch);

  /// `draw` selects the random starts of the attack.
  void add(const Batch& batch, int64_t draw);

  const std::vector<std::string>& layers() const { return layers_; }  ///< the first is "all"
  std::vector<double> cosine(size_t pair) const { return mean(cosine_[pair]); }
  std::vector<double> conflict(size_t pair) const { return mean(conflict_[pair]); }

 private:
  LossViews views(Tape& tape, const Batch& batch, int64_t draw) const;
  std::vector<double> mean(std::vector<double> sums) const;

  const ConflictOptions& options_;
  Engine& engine_;
  const Network& network_;
  int natural_, robust_;
  std::vector<int> compared_;  // convolution and linear weights: everything else has one extent
  std::vector<std::string> layers_;
  ParamBuffer first_, second_;
  std::vector<std::vector<double>> cosine_, conflict_;  // sums over batches, by pair and layer
  int64_t batches_ = 0;
};

}  // namespace temper
