#include "trainers/optimizers/weight_perturbation.h"

#include "kernels/axpby/axpby.h"
#include "kernels/relative_step/relative_step.h"
#include "kernels/runtime/memory.h"
#include "kernels/square_sum/square_sum.h"

namespace temper {

void AwpOptions::fields(Fields& f) {
  f("gamma", gamma, Limits::between(0, 1).usually(0, 0.1),
    "length of a tensor's perturbation, as a share of its own, such as 0.01 or 0.005; 0: none");
  f("start", start, Limits::at_least(1), "first epoch (1-based) whose steps perturb the weights");
  f.choice("restore", restore, {{"after_step", Restore::after_step}, {"before_step", Restore::before_step}},
           "when the perturbation is taken back: after the optimiser's step, which then decays the perturbed weights, "
           "as in paper and code; or before it");
}

class WeightPerturbation::Kept : public StepTensors {
 public:
  Kept(WeightPerturbation& of, Stream stream) : of_(of), stream_(stream) { of.save_statistics(); }

  Tensor once(const std::string& name, const std::function<Tensor()>& make) override {
    const auto at = tensors_.find(name);
    if (at != tensors_.end()) return at->second;
    of_.restore_statistics();
    const Tensor made = make();
    of_.save_statistics();
    const Tensor copied = of_.arena_.tensor(made.shape, made.dtype);
    copy(stream_, copied.data, copied.device, made.data, made.device, made.bytes());
    return tensors_.emplace(name, copied).first->second;
  }
  bool empty() const { return tensors_.empty(); }

 private:
  WeightPerturbation& of_;
  Stream stream_;
  std::map<std::string, Tensor> tensors_;
};

WeightPerturbation::WeightPerturbation(Engine& engine, const Network& network, const AwpOptions& options,
                                       const std::vector<MethodPart>& parts)
    : options_(options),
      weights_(network.weights().params),
      own_(weights_.layout(), weights_.dtype(), engine.stream()),
      arena_(engine.stream(), {.guard = engine.options().guard}) {
  if (restores_after_step()) moved_.emplace(weights_.layout(), weights_.dtype(), engine.stream());
  const auto keep = [&](ParamBuffer& buffers) {
    if (buffers.layout().count() > 0)
      statistics_.push_back({buffers, ParamBuffer(buffers.layout(), buffers.dtype(), engine.stream())});
  };
  keep(network.weights().buffers);
  for (const MethodPart& part : parts) keep(part.weights->buffers);
}

void WeightPerturbation::save_statistics() {
  for (Statistics& s : statistics_) s.saved.copy_from(s.now);
}

void WeightPerturbation::restore_statistics() {
  for (Statistics& s : statistics_) s.now.copy_from(s.saved);
}

void WeightPerturbation::write_gradients(Trainer& method, TrainContext& context, const Batch& batch,
                                         std::span<const GradientBuffer> grads, const Tensor& loss) {
  Engine& engine = context.engine;
  const Arena::Scope scope(engine.arena()), scope_of_kept(arena_);
  Kept kept(*this, engine.stream());
  const Tensor unperturbed = engine.arena().tensor(loss.shape, loss.dtype);
  TrainContext at_w = context;
  at_w.logged = nullptr;
  at_w.kept = &kept;
  at_w.begin_step();
  method.write_gradients(at_w, batch, grads, unperturbed);
  TEMPER_CHECK(!kept.empty() || method.attacks().empty() || at_w.asked_random.empty(),
               "awp: expected the method to make its adversarial images in context.once(), because the loss is "
               "evaluated again at perturbed weights, on the same images, but it drew '",
               at_w.asked_random.empty() ? "" : at_w.asked_random.front(),
               "' and kept nothing; wrap the attack, as trainers/methods/pgd_at.cpp does, or set awp.gamma: 0");
  restore_statistics();
  perturb(engine, grads[0].into);
  context.begin_step();
  context.kept = &kept;
  method.write_gradients(context, batch, grads, loss);
  context.kept = nullptr;
  context.log("unperturbed_loss", Var{unperturbed});
  if (!restores_after_step()) weights_.copy_from(own_);
}

void WeightPerturbation::perturb(Engine& engine, const ParamBuffer& direction) {
  own_.copy_from(weights_);
  const ParamLayout& layout = weights_.layout();
  const Stream stream = engine.stream();
  for (int i = 0; i < layout.count(); ++i) {
    if (layout[i].shape.rank() < 2 || layout[i].frozen) continue;
    const Arena::Scope scope(engine.arena());
    const int64_t n = layout[i].shape.numel();
    dispatch_full(weights_.dtype(), [&](auto tag) {
      using T = decltype(tag);
      T* const w = weights_.view(i).as<T>();
      const T* const g = direction.view(i).as<T>();
      const auto scratch = [&](int64_t count) { return engine.arena().tensor({count}, weights_.dtype()).as<T>(); };
      T *const partial = scratch(square_sum_partials(n)), *const square_w = scratch(1), *const square_g = scratch(1);
      square_sum<T>(stream, n, w, partial, square_w);
      square_sum<T>(stream, n, g, partial, square_g);
      relative_step<T>(stream, n, w, g, {.square_w = square_w, .square_g = square_g, .share = options_.gamma});
    });
  }
  weights_.bump_version();
  if (moved_) moved_->copy_from(weights_);
}

void WeightPerturbation::restore(Engine& engine) {
  const int64_t n = weights_.layout().size();
  dispatch_full(weights_.dtype(), [&](auto tag) {
    using T = decltype(tag);
    T *const now = weights_.all().as<T>(), *const moved = moved_->all().as<T>();
    weighted_sum<T>(engine.stream(), n, 1.f, now, -1.f, moved, moved);  // the step alone
    weighted_sum<T>(engine.stream(), n, 1.f, own_.all().as<T>(), 1.f, moved, now);
  });
  moved_->bump_version();
  weights_.bump_version();
}

}  // namespace temper
