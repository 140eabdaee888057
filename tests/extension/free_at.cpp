// Free adversarial training (Shafahi et al. 2019): every batch is shown several times in a row, and one backward pass
// gives the gradient that moves the weights and the one that moves the perturbation of the images. The perturbation
// goes on from batch to batch. An epoch of so many replays sees as many times fewer images, so loop.epochs counts for
// less.
#include <optional>

#include "attacks/attack.h"
#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "kernels/axpby/axpby.h"
#include "kernels/fill/fill.h"
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/pick/pick.h"
#include "kernels/runtime/memory.h"
#include "trainers/methods/parts/scalar.h"
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
  ParamLayout layout;
  std::optional<ParamBuffer> kept;

  void begin(TrainContext& c) override {
    TEMPER_CHECK(c.train, "free_at: expected training images, because it keeps a batch of them from step to step");
    const DataShape& d = c.model.options().data;
    const int64_t n = c.train->batch_size();
    layout.add("images", {n, d.height, d.width, d.channels}, {});
    layout.add("targets", {n, d.classes}, {});
    layout.add("perturbation", {n, d.height, d.width, d.channels}, {});
    kept.emplace(layout, c.model.options().dtype, c.engine.stream());
  }

  /// Which of the two the step shows is read on the device: a recorded step is the same for both.
  void live_values(const MetricSink& put, const TrainContext& c) const override {
    const bool next = c.step % replays == 0;
    put("next", next ? 1 : 0);
    put("again", next ? 0 : 1);
  }

  /// The first samples of one of the arrays: those of the batch where it is the next one's turn, else what was kept.
  Tensor shown(Tape& tape, const TrainContext& c, int array, const Tensor& batch) const {
    const Tensor all = kept->view(array).rows(0, batch.shape[0]);
    const Tensor now = add(tape, scale(tape, {all}, c.live("again")), {batch}, c.live("next")).value;
    copy(tape.stream(), all.data, all.device, now.data, now.device, now.bytes());
    return all;
  }
  static Tensor one_hot(Tape& tape, const Tensor& labels, const Network& model) {
    const int64_t n = labels.shape[0], classes = model.options().data.classes;
    const Tensor ones = tape.alloc({n}, model.options().dtype), out = tape.alloc({n, classes}, model.options().dtype);
    dispatch_full(out.dtype, [&](auto tag) {
      using T = decltype(tag);
      fill<T>(tape.stream(), n, ones.as<T>(), T(1));
      pick_backward(tape.stream(), n, static_cast<int>(classes), ones.as<const T>(), labels.as<const int32_t>(), 0.f,
                    out.as<T>());
    });
    return out;
  }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    return cross_entropy(tape, c.model(tape, tape.input(batch.images), Pass::train()), batch.labels);
  }

  void write_gradients(TrainContext& c, const Batch& batch, std::span<const GradientBuffer> grads,
                       const Tensor& loss) override {
    Tape tape(c.engine, Wrt::input | Wrt::params);
    const Tensor images = shown(tape, c, 0, batch.images);
    const Tensor targets = shown(tape, c, 1, one_hot(tape, batch.labels, c.model));
    const Tensor perturbation = kept->view(2).rows(0, batch.size());
    const Tensor x = clamp(tape, add(tape, {images}, {perturbation}), 0, 1).value, dx = tape.alloc(x.shape, x.dtype);
    const Var logits = c.model(tape, tape.input(x, dx), Pass::train());
    const Var value = soft_cross_entropy(tape, logits, targets);
    tape.backward(value, grads);
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      pgd_step_linf(tape.stream(), x.numel(), x.as<T>(), dx.as<const T>(), images.as<const T>(),
                    {.radius = radius, .step = step});
      weighted_sum(tape.stream(), x.numel(), 1.f, x.as<const T>(), -1.f, images.as<const T>(), perturbation.as<T>());
    });
    kept->bump_version();
    put_scalar(c.engine, value.value, loss);
  }

  void visit_state(StateVisitor& v) override { v("free_at.kept", *kept); }
};

TEMPER_REGISTER(Trainer, FreeAt, "free_at", "weights and images moved by one backward pass (Shafahi et al.)");

}  // namespace
