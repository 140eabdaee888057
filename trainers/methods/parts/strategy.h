#pragma once
#include <optional>
#include <string>
#include <vector>

#include "attacks/pgd.h"
#include "kernels/runtime/device_array.h"
#include "trainers/methods/parts/companion.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The values that a strategy network chooses from for every image. An empty list: nothing is chosen, and the method's
/// own value holds.
struct StrategyLists {
  std::vector<double> radius, step;
  std::vector<int> steps;
  std::vector<double> beta = {};  ///< weight of the image's KL term
};

/// The learnable attack strategy of LAS-AT (Jia et al. 2022, section 3.2): a network maps each image to one
/// distribution over every list, from which the radius, the number of steps and the step size of the image's attack
/// are drawn. The network's outputs are the logits of the lists, one after the other. Configured by the sections
///   strategy: {radius: [...], steps: [...], step: [...]}        policy: {model: {...}, optimizer: {...}, every: 20}
class Strategy {
 public:
  /// What was drawn: for each list that is not empty, (N) i32, the index of every image's value.
  using Choices = std::vector<Tensor>;

  /// A list that is empty here is no key.
  Strategy(StrategyLists defaults, const Companion::Defaults& policy)
      : lists_(std::move(defaults)), with_beta_(!lists_.beta.empty()), policy_("policy", policy) {}

  /// Reads both sections. Of the default radii and numbers of steps those above `attack`'s are left out; rejects given
  /// ones.
  void fields(Fields& f, const Pgd& attack);
  void check(const Fields& f, int64_t epochs) const { policy_.check(f, epochs); }
  void begin(const TrainContext& context);
  Companion& policy() { return policy_; }

  /// Draws for every image of a training step, each list once(); the policy acts with running statistics. As below,
  /// what was drawn lives as long as the tape.
  Choices act(Tape& tape, const TrainContext& context, const Batch& batch) const;
  /// Draws from given outputs of the policy, with random numbers of their own.
  Choices draw(Tape& tape, const TrainContext& context, const Var& outputs, const Batch& batch) const;
  /// -sum over the lists of the mean over the images of log P(choice), (1).
  Var minus_log_likelihood(Tape& tape, const Var& outputs, const Choices& choices) const;

  /// The chosen radii, numbers of steps and step sizes.
  PgdPlan plan(Engine& engine, const Choices& choices) const;
  /// The chosen weights, (N) in the network's type; empty without a list.
  Tensor betas(Engine& engine, const Choices& choices) const;

 private:
  struct Head {
    const char* name;
    int64_t first, count;  ///< columns of the outputs
    Var logits(Tape& tape, const Var& outputs) const;
  };
  Tensor chosen(Engine& engine, const char* name, const Choices& choices) const;

  StrategyLists lists_;
  bool with_beta_;
  Companion policy_;
  std::vector<Head> heads_;
  ParamLayout layout_;
  std::optional<ParamBuffer> numbers_;  ///< of every list but `steps`, by its name
  DeviceArray<int32_t> steps_;
};

}  // namespace temper
