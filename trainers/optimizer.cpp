#include "trainers/optimizer.h"

#include "core/text.h"
#include "kernels/axpby/axpby.h"
#include "kernels/ema/ema.h"
#include "kernels/runtime/range.h"
#include "kernels/weight_update/weight_update.h"

namespace temper {

void SgdOptions::fields(Fields& f) {
  f("lr", lr, Limits::above(0).usually(1e-7, 10), "base learning rate; the schedule works on it");
  f("momentum", momentum, Limits::at_least(0).below(1), "share of the last velocity that is kept");
  f("weight_decay", weight_decay, Limits::at_least(0).usually(0, 0.1),
    "added to the gradient as weight_decay * w, for BatchNorm and biases too");
  f("nesterov", nesterov, "look ahead along the velocity");
  f("no_decay", no_decay, "globs of parameters without weight decay, such as [\"*.bias\"]");
  if (nesterov && momentum == 0) f.warn("nesterov", "there is no velocity to look ahead along, because momentum is 0");
  if (lr * weight_decay >= 1)
    f.reject("weight_decay", "expected lr * weight_decay below 1, because a step would take weights beyond 0, got ", lr,
             " * ", weight_decay);
}

void add_share(Stream stream, Flat& params, Live<float> share, Live<uint32_t> moves) {
  dispatch_full(params.dtype(), [&](auto tag) {
    using T = decltype(tag);
    T* w = params.all().as<T>();
    weighted_sum<T>(stream, params.store().size(), 1.f, w, share, w, w, moves);
  });
  params.touch();
}

Sgd::Sgd(Flat& params, const SgdOptions& options, Stream stream)
    : params_(params), momentum_(params.store(), params.dtype(), stream), options_(options) {
  const ParamStore& store = params.store();
  std::vector<bool> exempt(store.count());
  for (const std::string& glob : options.no_decay) {
    const std::vector<int> found = store.match(glob);
    TEMPER_CHECK(!found.empty(), "optimizer.no_decay: no parameter matches '", glob, "'");
    for (const int i : found) exempt[i] = true;
  }
  for (int i = 0; i < store.count(); ++i) {
    std::vector<Range>& ranges = store[i].frozen ? frozen_ : ranges_;
    const int64_t from = store[i].offset, to = i + 1 < store.count() ? store[i + 1].offset : store.size();
    const double decay = exempt[i] ? 0 : options.weight_decay;
    Range* last = ranges.empty() ? nullptr : &ranges.back();
    if (last && last->from + last->count == from && last->weight_decay == decay)
      last->count += to - from;
    else
      ranges.push_back({from, to - from, decay});
  }
}

void Sgd::step(Stream stream, const Flat& gradient, Live<double> lr, GradientMask mask, Follower follower,
               Live<uint32_t> moves) {
  const PhaseRange phase(stream, "update");
  const Tensor narrow = params_.narrow_copy();
  dispatch_full(params_.dtype(), [&](auto tag) {
    using T = decltype(tag);
    const auto at = [](const Flat* f, int64_t from) { return f ? f->all().as<T>() + from : nullptr; };
    dispatch_narrow(narrow ? narrow.dtype : DType::bf16, [&](auto narrow_tag) {
      using N = decltype(narrow_tag);
      for (const Range& r : ranges_)
        weight_update<T, N>(stream, r.count,
                            {.w = at(&params_, r.from),
                             .velocity = at(&momentum_, r.from),
                             .grad = at(&gradient, r.from),
                             .mask = at(mask.buffer, r.from),
                             .average = at(follower.average, r.from),
                             .narrow = narrow ? narrow.as<N>() + r.from : nullptr},
                            mask.mode,
                            {.lr = lr,
                             .momentum = options_.momentum,
                             .weight_decay = r.weight_decay,
                             .kind = options_.nesterov ? Momentum::nesterov : Momentum::classic,
                             .moves = moves},
                            follower.keep);
    });
    if (follower.average)
      for (const Range& r : frozen_)
        ema<T>(stream, r.count, at(follower.average, r.from), at(&params_, r.from), follower.keep, moves);
  });
  params_.touch_both();
  momentum_.touch();
  if (follower.average) follower.average->touch();
}

}  // namespace temper
