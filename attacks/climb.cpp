#include "attacks/climb.h"

#include <limits>

#include "kernels/argmax/argmax.h"
#include "kernels/fill/fill.h"
#include "kernels/keep_better/keep_better.h"
#include "kernels/misclassified/misclassified.h"
#include "kernels/pgd_start/pgd_start.h"
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

Climb::Climb(Engine& engine, const PgdOptions& options, double step_size, const Batch& batch, Draw draw)
    : engine_(engine),
      options_(options),
      step_size_(step_size),
      batch_(batch),
      draw_(draw),
      cols_(static_cast<int>(batch.images.numel() / batch.images.shape[0])) {}

void Climb::start(const Tensor& x, int restart) const {
  const Tensor& clean = batch_.images;
  if (options_.start == PgdOptions::Start::none)
    return copy(stream(), x.data, x.device, clean.data, clean.device, clean.bytes());
  const bool gauss = options_.start == PgdOptions::Start::gauss001;
  const bool clipped = options_.start == PgdOptions::Start::uniform;
  const NoiseStart noise{.noise = gauss                         ? Noise::normal
                                  : options_.norm == Norm::linf ? Noise::uniform
                                                                : Noise::l2_direction,
                         .key = {.seed = engine_.seed(),
                                 .purpose = Purpose::attack,
                                 .step = draw_,
                                 .lane = static_cast<uint32_t>(restart)},
                         .scale = gauss ? 0.001 : options_.radius,
                         .lo = clipped ? 0 : -kInfinity,
                         .hi = clipped ? 1 : kInfinity};
  dispatch_full(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    pgd_start(stream(), rows(), cols_, x.as<T>(), clean.as<const T>(), batch_.ids.as<const int32_t>(), noise);
  });
}

void Climb::ascend(const Tensor& x, const Tensor& gradient, const Tensor& m, int index) const {
  const PgdStep p{.radius = options_.radius, .step = step_size_};
  dispatch_full(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    if (m) accumulate_momentum(stream(), rows(), cols_, m.as<T>(), gradient.as<const T>(), options_.momentum);
    const T *direction = (m ? m : gradient).template as<const T>(), *clean = batch_.images.as<const T>();
    if (options_.norm == Norm::linf)
      pgd_step_linf(stream(), x.numel(), x.as<T>(), direction, clean, p);
    else if (options_.l2_order == PgdOptions::L2Order::ball_first)
      pgd_step_l2(stream(), rows(), cols_, x.as<T>(), direction, clean, p);
    else
      pgd_step_l2_box_first(
          stream(), rows(), cols_, x.as<T>(), direction, clean, batch_.ids.as<const int32_t>(),
          {.seed = engine_.seed(), .purpose = Purpose::method, .step = draw_, .lane = static_cast<uint32_t>(index)}, p);
  });
}

void Climb::clear(const Tensor& best, const Tensor& best_score) const {
  const Tensor& clean = batch_.images;
  copy(stream(), best.data, best.device, clean.data, clean.device, clean.bytes());
  dispatch_full(best_score.dtype, [&](auto tag) {
    using T = decltype(tag);
    fill(stream(), best_score.numel(), best_score.as<T>(), T(-kInfinity));
  });
}

bool Climb::by_success() const {
  return options_.returns == PgdOptions::Return::last ? options_.restart_rule == PgdOptions::RestartRule::any_success
                                                      : options_.returns == PgdOptions::Return::any_success;
}

void Climb::keep(Tape& tape, const Tensor& x, const Tensor& logits, const Tensor& loss, const Tensor& best,
                 const Tensor& best_score) const {
  dispatch_full(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    const T* score = loss.as<const T>();
    if (by_success()) {
      const Tensor predicted = tape.alloc({rows()}, DType::i32), success = tape.alloc({rows()}, x.dtype);
      argmax(stream(), rows(), static_cast<int>(logits.shape[1]), predicted.as<int32_t>(), logits.as<const T>());
      misclassified(stream(), rows(), success.as<T>(), predicted.as<const int32_t>(),
                    batch_.labels.as<const int32_t>());
      score = success.as<const T>();
    }
    keep_better(stream(), rows(), cols_, best.as<T>(), best_score.as<T>(), x.as<const T>(), score);
  });
}

}  // namespace temper
