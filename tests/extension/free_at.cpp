// Free adversarial training (Shafahi et al. 2019): every batch is shown several times in a row, and one backward pass
// gives the gradient that moves the weights and the one that moves the perturbation of the images. The perturbation
// goes on from batch to batch. An epoch of so many replays sees as many times fewer images, so loop.epochs counts for
// less.
#include <optional>

#include "attacks/attack.h"
#include "core/ops_elementwise.h"
#include "core/ops_per_sample.h"
#include "kernels/axpby/axpby.h"
#include "kernels/fill/fill.h"
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/pick/pick.h"
#include "kernels/runtime/memory.h"
#include "trainers/scalar.h"
#include "trainers/trainer.h"

namespace {
using namespace temper;

struct FreeAt : Trainer {
  double radius = 8.0 / 255, step = 8.0 / 255;
  int replays = 8;

  void fields(Fields& f) override {
    f("radius", radius, Limits::between(0, 1), "eps, in [0, 1] pixel units");
    f("step", step, Limits::between(0, 1), "how far a pixel moves in one replay");
    f("replays", replays, Limits::at_least(1).usually(2, 20), "how often a batch is shown in a row");
  }

  /// What one step leaves for the next, as a checkpoint keeps it: images, one-hot labels, perturbations.
  ParamStore layout;
  std::optional<Flat> kept;
  int64_t replay = 0, rows = 0;  ///< of the kept batch, how often it was shown, and its samples
  Tensor images() const { return kept->view(0).rows(0, rows); }
  Tensor targets() const { return kept->view(1).rows(0, rows); }
  Tensor perturbation() const { return kept->view(2).rows(0, rows); }

  void begin(TrainContext& c) override {
    TEMPER_CHECK(c.train, "free_at: expected training images, because it keeps a batch of them from step to step");
    const DataShape& d = c.model.options().data;
    const int64_t n = c.train->batch_size();
    layout.add("images", {n, d.height, d.width, d.channels}, {});
    layout.add("targets", {n, d.classes}, {});
    layout.add("perturbation", {n, d.height, d.width, d.channels}, {});
    kept.emplace(layout, c.model.options().dtype, c.engine.stream());
  }

  void keep(Engine& engine, const Batch& batch) {
    rows = batch.size();
    const Tensor to = images(), onehot = targets(), ones = engine.arena().tensor({rows}, to.dtype);
    copy(engine.stream(), to.data, to.device, batch.images.data, batch.images.device, to.bytes());
    dispatch_full(to.dtype, [&](auto tag) {
      using T = decltype(tag);
      fill<T>(engine.stream(), rows, ones.as<T>(), T(1));
      pick_backward(engine.stream(), rows, static_cast<int>(onehot.shape[1]), ones.as<const T>(),
                    batch.labels.as<const int32_t>(), 0.f, onehot.as<T>());
    });
  }

  Var perturbed(Tape& tape, const Tensor& of) const {
    return clamp(tape, add(tape, {of}, {perturbation().rows(0, of.shape[0])}), 0, 1);
  }
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    const Tensor x = perturbed(tape, batch.images).value;
    return cross_entropy(tape, c.model(tape, tape.input(x), Pass::train()), batch.labels);
  }

  void write_gradients(TrainContext& c, const Batch& batch, std::span<const GradientBuffer> grads,
                       const Tensor& loss) override {
    if (replay == 0) keep(c.engine, batch);
    Tape tape(c.engine, Wrt::input | Wrt::params);
    const Tensor x = perturbed(tape, images()).value, dx = tape.alloc(x.shape, x.dtype);
    const Var logits = c.model(tape, tape.input(x, dx), Pass::train());
    const Var value = soft_cross_entropy(tape, logits, targets());
    tape.backward(value, grads);
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      const Stream stream = c.engine.stream();
      pgd_step_linf(stream, x.numel(), x.as<T>(), dx.as<const T>(), images().as<const T>(),
                    {.radius = radius, .step = step});
      weighted_sum(stream, x.numel(), 1.f, x.as<const T>(), -1.f, images().as<const T>(), perturbation().as<T>());
    });
    kept->touch();
    put_scalar(c.engine, value.value, loss);
  }

  void after_step(TrainContext&, const Batch&) override { replay = (replay + 1) % replays; }
  void visit_state(StateVisitor& v) override {
    v("free_at.replay", replay);
    v("free_at.rows", rows);
    v("free_at.kept", *kept);
  }
};

TEMPER_REGISTER(Trainer, FreeAt, "free_at", "weights and images moved by one backward pass (Shafahi et al.)");

}  // namespace
