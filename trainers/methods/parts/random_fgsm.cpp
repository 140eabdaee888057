#include "trainers/methods/parts/random_fgsm.h"

#include <fmt/format.h>

#include <limits>

#include "kernels/pgd_start/pgd_start.h"

namespace temper {

namespace {

/// PGD's step, from a start of its own.
class FromNoise : public StepPolicy {
 public:
  FromNoise(const RandomFgsmOptions& options, const AttackCall& part, std::unique_ptr<StepPolicy> step)
      : options_(options), part_(part), step_(std::move(step)) {}

  void start(const Tensor& x, int run) override {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const bool clipped = options_.start == RandomFgsmOptions::Start::clipped;
    const NoiseStart noise{.key = part_.random.key(static_cast<uint32_t>(run)),
                           .scale = options_.noise * options_.radius,
                           .lo = clipped ? 0 : -kInfinity,
                           .hi = clipped ? 1 : kInfinity};
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      pgd_start(part_.engine.stream(), x.shape[0], static_cast<int>(x.numel() / x.shape[0]), x.as<T>(),
                part_.batch.images.as<const T>(), part_.batch.ids.as<const int32_t>(), noise);
    });
  }
  void step(const AttackPoint& at) override { step_->step(at); }

 private:
  const RandomFgsmOptions& options_;
  const AttackCall& part_;
  std::unique_ptr<StepPolicy> step_;
};

}  // namespace

void RandomFgsm::fields(Fields& f) {
  f("radius", radius, Limits::between(0, 1).usually(0.001, 0.5), "eps, in [0, 1] pixel units, such as 8/255");
  f("step", step, Limits::between(0, 1), "alpha: length of the step in the same units");
  f("noise", noise, Limits::at_least(0).usually(0, 4), "width of the uniform start in radii; 0: start at the image");
  f.choice("start", start, {{"clipped", Start::clipped}, {"unclipped", Start::unclipped}},
           "whether the noisy image is clipped to [0, 1] before the step");
  f.choice("project", project, {{"ball", Project::ball}, {"none", Project::none}},
           "ball: the result is projected into the ball of the radius; none: into [0, 1] alone");
  f.choice("gradient", gradient,
           {{"unsaturated", PgdOptions::Gradient::unsaturated}, {"pytorch", PgdOptions::Gradient::pytorch}},
           "gradient of the cross entropy: without the factor that makes it vanish where the network is confident, or "
           "as in PyTorch");
  if (project == Project::ball && step > (1 + noise) * radius * (1 + 1e-6) && step > 0)
    f.reject("step", "expected at most ", (1 + noise) * radius,
             ", radius + the width of the noise, because a longer step leaves only the corners of the ball, got ", step,
             "; write it in [0, 1] pixel units, such as 10/255");
}

std::string RandomFgsm::describe() const {
  return fmt::format("FGSM: radius {:.6f} ({:.4g}/255), step {:.6f}, noise of {:g} radii{}, {}", radius, radius * 255,
                     step, noise, start == Start::clipped ? "" : ", not clipped",
                     project == Project::ball ? "projected into the ball" : "not projected into the ball");
}

AttackResult RandomFgsm::run(const AttackCall& call) const {
  // A ball of radius 1 holds every image, so projecting into it and then into [0, 1] is the latter alone.
  const Pgd pgd({.radius = project == Project::ball ? radius : 1, .step = step, .steps = 1, .gradient = gradient});
  AttackDrive how = pgd.drives();
  how.name = "fgsm";
  return drive(call, pgd.objective(call.classifier), how, [&](const AttackCall& part, const BatchRows& of) {
    return std::make_unique<FromNoise>(*this, part, pgd.policy(part, of));
  });
}

}  // namespace temper
