#pragma once
#include "attacks/pgd.h"

namespace TEMPER_API temper {

struct RandomFgsmOptions {
  enum class Start : uint8_t { clipped, unclipped };
  enum class Project : uint8_t { ball, none };
  double radius = 8.0 / 255;  ///< eps, in [0, 1] pixel units
  double step = 10.0 / 255;   ///< alpha
  double noise = 1;           ///< width of the random start in radii (de Jorge et al.: k); 0: start at the image
  Start start = Start::clipped;
  Project project = Project::ball;
  PgdOptions::Gradient gradient = PgdOptions::Gradient::unsaturated;
};

/// One signed step from a random start, the attack of single-step adversarial training:
///   x_0 = x + noise * radius * U(-1, 1) per pixel, clipped to [0, 1] unless the start is unclipped
///   x'  = x_0 + step * sign(gradient of the cross entropy at x_0), projected into the ball of `radius` around x unless
///         project is none, then into [0, 1]
/// noise 1 and a projection is FGSM-RS (Wong, Rice & Kolter 2020, algorithm 3), noise 2 without one is N-FGSM (de Jorge
/// et al. 2022, algorithm 1), noise 0 is FGSM (Goodfellow et al. 2015). Costs a forward and a backward pass.
struct RandomFgsm : Attack, RandomFgsmOptions {
  RandomFgsm() = default;
  explicit RandomFgsm(const RandomFgsmOptions& options) : RandomFgsmOptions(options) {}

  void fields(Fields& f) override;
  std::string describe() const override;
  AttackResult run(const AttackCall& call) const override;
};

}  // namespace temper
