#include "trainers/optimizer.h"

#include "core/text.h"
#include "kernels/runtime/range.h"

namespace temper {

void SgdOptions::fields(Fields& f) {
  f("lr", lr, "base learning rate; the schedule works on it");
  f("momentum", momentum, "share of the last velocity that is kept");
  f("weight_decay", weight_decay, "added to the gradient as weight_decay * w, for BatchNorm and biases too");
  f("nesterov", nesterov, "look ahead along the velocity");
  f("no_decay", no_decay, "globs of parameters without weight decay, such as [\"*.bias\"]");
  if (lr <= 0) f.reject("lr", "expected more than 0, got ", lr);
  if (momentum < 0 || momentum >= 1) f.reject("momentum", "expected a share from 0 up to 1, got ", momentum);
  if (weight_decay < 0) f.reject("weight_decay", "expected 0 or more, got ", weight_decay);
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
    if (store[i].frozen) continue;
    const int64_t from = store[i].offset, to = i + 1 < store.count() ? store[i + 1].offset : store.size();
    const double decay = exempt[i] ? 0 : options.weight_decay;
    Range* last = ranges_.empty() ? nullptr : &ranges_.back();
    if (last && last->from + last->count == from && last->weight_decay == decay)
      last->count += to - from;
    else
      ranges_.push_back({from, to - from, decay});
  }
}

void Sgd::step(Stream stream, const Flat& gradient, double lr, GradientMask mask) {
  const PhaseRange phase(stream, "update");
  dispatch_full(params_.dtype(), [&](auto tag) {
    using T = decltype(tag);
    for (const Range& r : ranges_)
      sgd_step<T>(stream, r.count, params_.all().as<T>() + r.from, momentum_.all().as<T>() + r.from,
                  gradient.all().as<T>() + r.from, mask.buffer ? mask.buffer->all().as<T>() + r.from : nullptr,
                  mask.mode,
                  {.lr = lr,
                   .momentum = options_.momentum,
                   .weight_decay = r.weight_decay,
                   .kind = options_.nesterov ? Momentum::nesterov : Momentum::classic});
  });
  params_.touch();
  momentum_.touch();
}

}  // namespace temper
