// GradAlign (Andriushchenko & Flammarion 2020, "Understanding and Improving Fast Adversarial Training", eq. 4): FGSM
// training with a term that keeps the gradient of the images from turning within the ball, which prevents catastrophic
// overfitting. With g(x) the gradient of the cross entropy with respect to the image,
//   CE(f(x'), y) + weight * mean of 1 - cos(g(x), g(x + eta)),   eta ~ U(-radius, radius) per pixel, not clipped.
// The gradient of the term with respect to the weights is a mixed second derivative. With v the gradient of the term
// with respect to g, it is the derivative of <g, v> = d/dh sum CE(f(x + h v)) at h = 0, here a central difference
// between two passes whose ReLUs have the gates of the pass at h = 0 (nn/gates.h): automatic differentiation of g does
// not differentiate the gates either.
#include <cmath>

#include "core/ops/elementwise.h"
#include "core/ops/linear.h"
#include "core/ops/per_sample.h"
#include "core/ops/per_sample_loss.h"
#include "nn/gates.h"
#include "trainers/methods/parts/scalar.h"
#include "trainers/methods/single_step.h"

namespace temper {

namespace {

struct GradAlign : SingleStep {
  /// Which of the two gradients the term moves: both, as the formula has it, or that of the noisy image, as the code.
  enum class Through : uint8_t { both, noisy };
  float weight = 0.2F;
  Through through = Through::both;

  GradAlign() : SingleStep({.step = 8.0 / 255, .noise = 0}) {}

  void fields(Fields& f) override {
    SingleStep::fields(f);
    f("weight", weight, Limits::at_least(0).usually(0, 10), "lambda: weight of the alignment term");
    f.choice("through", through, {{"both", Through::both}, {"noisy", Through::noisy}},
             "the gradients that the term moves: both (paper), or only that of the noisy image (code)");
  }

  void begin(TrainContext& c) override {
    const DType compute = c.engine.compute();
    const bool rounded = c.engine.device() == Device::cuda && c.engine.options().planning.math == ConvMath::tf32;
    TEMPER_CHECK((compute == DType::f32 || compute == DType::f64) && !rounded,
                 "grad_align: expected precision.compute: f32, because its term is differentiated by a difference that "
                 "16-bit and tf32 activations lose, got ",
                 rounded ? "tf32" : cat(compute));
  }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    const Var adversarial = SingleStep::loss(tape, batch, c);
    if (weight == 0) return adversarial;
    const Tensor noisy = c.once("alignment", [&] {
      const Tensor x = c.engine.arena().tensor(batch.images.shape, batch.images.dtype);
      const Pgd start({.radius = attack.radius, .start = Pgd::Start::uniform_unclipped});
      start.start_at(c.engine, batch, c.random("alignment"), x);
      return x;
    });
    Pass again = attack_pass(attack_bn);
    again.update = BnUpdate::no;  // the attack has passed the clean images
    const Tensor g = gradient(c, batch, batch.images, again), h = gradient(c, batch, noisy, attack_pass(attack_bn));
    const Distance d = distance(tape, g, h);
    c.log("alignment_loss", d.mean);
    Var total = add(tape, adversarial, d.mean, weight);
    const auto move = [&](const Tensor& images, const Tensor& v) {
      const Var along = derivative(tape, batch, c, {images, v, again});
      total = add(tape, add(tape, total, along, weight), stop_gradient(along), -weight);
    };
    if (through == Through::both) move(batch.images, d.of_clean);
    move(noisy, d.of_noisy);
    return total;
  }

 private:
  Var sum_of_losses(Tape& tape, const Batch& batch, const Network& model, const Var& images, const Pass& pass) const {
    return sum(tape, targets.cross_entropy(tape, model(tape, images, pass), batch, Reduction::none));
  }

  /// The gradient of the summed loss, (N, pixels).
  Tensor gradient(const TrainContext& c, const Batch& batch, const Tensor& images, const Pass& pass) const {
    const Tensor g = c.engine.arena().tensor(images.shape, images.dtype);
    Tape tape(c.engine, Wrt::input);
    tape.backward(sum_of_losses(tape, batch, c.model, tape.input(images, g), pass));
    return g.reshaped({batch.size(), images.numel() / batch.size()});
  }

  struct Distance {
    Var mean;                   ///< 1 - cos, a constant
    Tensor of_clean, of_noisy;  ///< its gradients
  };
  static Distance distance(Tape& outer, const Tensor& g, const Tensor& h) {
    const Distance d{.mean = {outer.alloc({1}, g.dtype)},
                     .of_clean = outer.alloc(g.shape, g.dtype),
                     .of_noisy = outer.alloc(g.shape, g.dtype)};
    Tape tape(outer.engine(), Wrt::input);
    const Var mean = cosine_distance(tape, tape.input(g, d.of_clean), tape.input(h, d.of_noisy));
    tape.backward(mean);
    put_scalar(outer.engine(), mean.value, d.mean.value);
    return d;
  }

  struct Line {
    Tensor images, direction;
    Pass pass;
  };
  /// d/dh of the summed loss at images + h * direction: a central difference whose steps move the image that moves most
  /// by a fixed length, a power of two, so that neither rounding nor curvature shows.
  static constexpr double kLength32 = 0x1p-7, kLength64 = 0x1p-17;
  Var derivative(Tape& tape, const Batch& batch, const TrainContext& c, Line line) const {
    const Tensor& v = line.direction;
    const double length = v.dtype == DType::f64 ? kLength64 : kLength32;
    const Var squares = reshape(tape, row_sum(tape, mul(tape, {v}, {v})), {1, batch.size()});
    const Var log_norm = scale(tape, log(tape, row_max(tape, squares), 1e-30), 0.5F);
    // A number on the device times an array is a product of matrices.
    const Var per_norm = exp(tape, scale(tape, log_norm, -1.F)), norm = exp(tape, log_norm);
    const Var unit = reshape(tape, linear(tape, {v.reshaped({v.numel(), 1})}, reshape(tape, per_norm, {1, 1}), {}),
                             line.images.shape);
    Gates gates;
    line.pass.gates = &gates;
    const auto loss_at = [&](double h) {
      const Var x = add(tape, {line.images}, unit, static_cast<float>(h));
      return sum_of_losses(tape, batch, c.model, x, line.pass);
    };
    loss_at(0);
    gates.repeat();
    const Var ahead = loss_at(length);
    gates.repeat();
    const Var behind = loss_at(-length);
    const float per_step = static_cast<float>(1 / (2 * length));
    return mul(tape, scale(tape, add(tape, ahead, behind, -1.F), per_step), norm);
  }
};

TEMPER_REGISTER(Trainer, GradAlign, "grad_align", "FGSM training with aligned gradients (Andriushchenko & Flammarion)");

}  // namespace

}  // namespace temper
