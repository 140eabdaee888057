// Free adversarial training (Shafahi et al. 2019, "Adversarial Training for Free!", algorithm 1): every batch is shown
// several times in a row, and one backward pass gives the gradient that moves the weights and the one that moves the
// perturbation d of the images. The perturbation goes on from batch to batch.
//   CE(f(clip(x + d, 0, 1)), y);   d <- clip(d + step * sign(gradient with respect to d), -radius, radius)
#include <optional>

#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "kernels/axpby/axpby.h"
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/runtime/memory.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/scalar.h"
#include "trainers/trainer.h"

namespace temper {

namespace {

struct FreeAt : Trainer {
  /// Where images stay in [0, 1]. input: x + d is clipped, d need not fit (official code). perturbation: d is clipped
  /// after its step so that it fits the image of that step, but not the next one (Wong et al., code).
  enum class Clip : uint8_t { input, perturbation };
  double radius = 8.0 / 255, step = 8.0 / 255;
  int64_t times = 8;
  Clip clip = Clip::input;
  ClassTargets targets;

  void fields(Fields& f) override {
    f("radius", radius, Limits::between(0, 1).usually(0.001, 0.5), "eps, in [0, 1] pixel units, such as 8/255");
    f("step", step, Limits::between(0, 1), "how far a pixel moves in one replay");
    f("replays", times, Limits::at_least(1).usually(2, 20),
      "how often a batch is shown in a row; loop.epochs counts steps, so the images are seen loop.epochs / replays "
      "times");
    f.choice("clip", clip, {{"input", Clip::input}, {"perturbation", Clip::perturbation}},
             "what is clipped to keep pixels in [0, 1]: the input (official code), or the perturbation after its step "
             "(Wong et al.)");
    targets.fields(f);
  }

  void check(const Fields& f, int64_t epochs) const override {
    if (times > epochs)
      f.warn("replays", times, " is more than loop.epochs, ", epochs, ", so most images are never seen");
  }

  int64_t replays() const override { return times; }

  /// What one step leaves for the next: the perturbations of a batch, by place, and the gradients that move them.
  ParamLayout layout;
  std::optional<ParamBuffer> perturbation, ascent;

  void begin(TrainContext& c) override {
    TEMPER_CHECK(c.train, "free_at: expected training images, because it keeps a perturbation for each in a batch");
    const DataShape& d = c.model.options().data;
    layout.add("images", {c.train->batch_size(), d.height, d.width, d.channels}, {});
    perturbation.emplace(layout, c.model.options().dtype, c.engine.stream());
    ascent.emplace(layout, c.model.options().dtype, c.engine.stream());
  }

  static Tensor first(const ParamBuffer& of, const Batch& batch) { return of.view(0).rows(0, batch.size()); }

  /// The loss; the gradient of the perturbation goes to `into`, unless that is empty.
  Var perturbed(Tape& tape, const Batch& batch, const TrainContext& c, const Tensor& into) {
    Var x = add(tape, tape.input(first(*perturbation, batch), into), {batch.images});
    if (clip == Clip::input) x = clamp(tape, x, 0, 1);
    const Var loss = targets.cross_entropy(tape, c.model(tape, x, Pass::train()), batch);
    c.log("adversarial_loss", loss);
    return loss;
  }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override { return perturbed(tape, batch, c, {}); }

  void write_gradients(TrainContext& c, const Batch& batch, std::span<const GradientBuffer> grads,
                       const Tensor& loss) override {
    Tape tape(c.engine, Wrt::input | Wrt::params);
    const Var value = perturbed(tape, batch, c, first(*ascent, batch));
    tape.backward(value, grads);
    ascent->bump_version();
    put_scalar(c.engine, value.value, loss);
  }

  void after_step(TrainContext& c, const Batch& batch) override {
    const Arena::Scope scope(c.engine.arena());
    const Tensor d = first(*perturbation, batch), g = first(*ascent, batch);
    const Tensor work = c.engine.arena().tensor(d.shape, d.dtype);
    const Stream stream = c.engine.stream();
    dispatch_full(d.dtype, [&](auto tag) {
      using T = decltype(tag);
      T *moved = d.as<T>(), *other = work.as<T>();
      const T *ascend = g.as<const T>(), *images = batch.images.as<const T>();
      if (clip == Clip::input) {
        set_zero(stream, other, work.bytes());
        pgd_step_linf<T>(stream, d.numel(), moved, ascend, other,
                         {.radius = radius, .step = step, .lo = -radius, .hi = radius});
      } else {
        weighted_sum<T>(stream, d.numel(), 1.f, images, 1.f, moved, other);
        pgd_step_linf<T>(stream, d.numel(), other, ascend, images, {.radius = radius, .step = step});
        weighted_sum<T>(stream, d.numel(), 1.f, other, -1.f, images, moved);
      }
    });
    perturbation->bump_version();
  }

  void after_epoch(TrainContext& c) override {
    c.log("passes_over_images", static_cast<double>(c.epoch.unwatched()) / static_cast<double>(times));
  }

  void visit_state(StateVisitor& v) override { v("free_at.perturbation", *perturbation); }
};

TEMPER_REGISTER(Trainer, FreeAt, "free_at", "weights and images moved by one backward pass (Shafahi et al.)");

}  // namespace

}  // namespace temper
