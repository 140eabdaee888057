#pragma once
#include <string>
#include <vector>

#include "core/config.h"
#include "core/params.h"
#include "trainers/trainer.h"

namespace temper {

/// The `optimizer` section: SGD with momentum, in PyTorch's order of operations.
struct SgdOptions {
  double lr = 0.1;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  bool nesterov = false;
  std::vector<std::string> no_decay = {};  ///< globs of parameters without weight decay; none: decay acts on all
  void fields(Fields& f);
};

/// An exponential average that follows the weights: average <- keep * average + (1 - keep) * w. None: nobody follows.
struct Follower {
  Flat* average = nullptr;
  Live<double> keep = 0;
};

/// params <- params + share * params. Nothing happens where `moves` is 0.
void add_share(Stream stream, Flat& params, Live<float> share, Live<uint32_t> moves = 1);

/// Stochastic gradient descent over flat buffers: one kernel launch for every run of parameters that are treated alike,
/// which is one launch unless parameters are frozen or exempt from weight decay. Frozen parameters do not move, nor
/// does their momentum.
class Sgd {
 public:
  /// `params` must outlive the optimiser. Throws Error if a no_decay glob matches nothing.
  Sgd(Flat& params, const SgdOptions& options, Stream stream);

  /// The follower moves in the same pass, and so does the parameters' 16-bit copy (Flat::narrow_copy) if there is one:
  /// the bits are those of one after the other. What is frozen is averaged, too.
  /// Nothing happens where `moves` is 0.
  void step(Stream stream, const Flat& gradient, Live<double> lr, GradientMask mask = {}, Follower follower = {},
            Live<uint32_t> moves = 1);
  Flat& params() { return params_; }
  Flat& momentum() { return momentum_; }

 private:
  struct Range {
    int64_t from, count;
    double weight_decay;
  };
  Flat& params_;
  Flat momentum_;
  SgdOptions options_;
  std::vector<Range> ranges_, frozen_;
};

}  // namespace temper
