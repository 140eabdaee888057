#include "trainers/optimizers/weight_optimizer.h"

#include <algorithm>

#include "core/text.h"
#include "kernels/axpby/axpby.h"
#include "kernels/ema/ema.h"
#include "kernels/runtime/range.h"

namespace temper {

namespace {

std::vector<int> matched(const ParamLayout& layout, const char* key, const std::string& glob,
                         UnmatchedGlobs unmatched) {
  std::vector<int> found = layout.match(glob);
  TEMPER_CHECK(!found.empty() || unmatched == UnmatchedGlobs::ignore, "optimizer.", key, ": no parameter matches '",
               glob, "'");
  return found;
}

Tensor part(const ParamBuffer* buffer, int64_t from, int64_t count) {
  return buffer ? buffer->all().rows(from, count) : Tensor();
}

}  // namespace

void add_share(Stream stream, ParamBuffer& params, ScalarArg<float> share, ScalarArg<uint32_t> moves) {
  dispatch_full(params.dtype(), [&](auto tag) {
    using T = decltype(tag);
    T* w = params.all().as<T>();
    weighted_sum<T>(stream, params.layout().size(), 1.f, w, share, w, w, moves);
  });
  params.bump_version();
}

WeightOptimizer::WeightOptimizer(ParamBuffer& params, const Optimizer& rule, Stream stream,
                                 const OptimizerOptions& options, UnmatchedGlobs unmatched)
    : params_(params), rule_(rule), stream_(stream), clip_(options.clip), names_(rule.state()) {
  const ParamLayout& layout = params.layout();
  std::vector<bool> exempt(layout.count());
  for (const std::string& glob : options.no_decay)
    for (const int i : matched(layout, "no_decay", glob, unmatched)) exempt[i] = true;
  divide(grouped(options, unmatched), exempt);
  for (size_t i = 0; i < names_.size(); ++i) state_.emplace_back(layout, params.dtype(), stream);
  live_ = {stream, groups_.size() + rule.numbers(1).size()};
}

std::vector<size_t> WeightOptimizer::grouped(const OptimizerOptions& options, UnmatchedGlobs unmatched) {
  const ParamLayout& layout = params_.layout();
  std::vector<size_t> group_of(layout.count(), 0);
  groups_ = {{.lr_factor = 1, .weight_decay_factor = 1, .schedule = nullptr}};
  for (const ParameterGroup& g : options.groups) {
    for (const std::string& glob : g.parameters)
      for (const int i : matched(layout, "groups", glob, unmatched)) {
        TEMPER_CHECK(group_of[i] == 0 || group_of[i] == groups_.size(), "optimizer.groups: parameter '", layout[i].name,
                     "' is in groups ", group_of[i] - 1, " and ", groups_.size() - 1,
                     " (from 0); expected one group for each, so narrow the globs of one of them");
        group_of[i] = groups_.size();
      }
    groups_.push_back({g.lr_factor, g.weight_decay_factor, g.schedule.get()});
  }
  return group_of;
}

// Neighbours that are treated alike become one range.
void WeightOptimizer::divide(const std::vector<size_t>& group_of, const std::vector<bool>& exempt) {
  const ParamLayout& layout = params_.layout();
  for (int i = 0; i < layout.count(); ++i) {
    std::vector<Range>& ranges = layout[i].frozen ? frozen_ : ranges_;
    const int64_t from = layout[i].offset, to = i + 1 < layout.count() ? layout[i + 1].offset : layout.size();
    const size_t group = group_of[i];
    const double decay = exempt[i] ? 0 : rule_.weight_decay * groups_[group].weight_decay_factor;
    Range* last = ranges.empty() ? nullptr : &ranges.back();
    if (last && last->from + last->count == from && last->group == group && last->weight_decay == decay)
      last->count += to - from;
    else
      ranges.push_back({from, to - from, group, decay});
  }
}

std::vector<double> WeightOptimizer::rates(const Schedule& schedule, const Position& at) const {
  std::vector<double> out;
  for (const Group& g : groups_) out.push_back(g.lr_factor * (g.schedule ? *g.schedule : schedule).rate(rule_.lr, at));
  return out;
}

void WeightOptimizer::prepare(const Schedule& schedule, const Position& at, int64_t step) {
  set(rates(schedule, at), step);
}

void WeightOptimizer::prepare(double lr, int64_t step) {
  std::vector<double> rates;
  for (const Group& g : groups_) rates.push_back(g.lr_factor * lr);
  set(rates, step);
}

void WeightOptimizer::set(const std::vector<double>& rates, int64_t step) {
  const std::vector<double> numbers = rule_.numbers(step);
  now_.resize(live_.size());  // stays where it is: a copy may not have been made yet
  std::copy(numbers.begin(), numbers.end(), std::copy(rates.begin(), rates.end(), now_.begin()));
  copy(stream_, live_.data(), stream_.device, now_.data(), Device::cpu, now_.size() * sizeof(double));
}

void WeightOptimizer::clip(Stream stream, ParamBuffer& gradient, const Tensor& square_sum) const {
  if (clip_.norm == 0 && clip_.value == 0) return;
  dispatch_full(gradient.dtype(), [&](auto tag) {
    using T = decltype(tag);
    clip_gradient<T>(stream, gradient.layout().size(), gradient.all().as<T>(), square_sum.as<const T>(), clip_);
  });
  gradient.bump_version();
}

Update WeightOptimizer::update(const Range& r, const ParamBuffer& gradient, const GradientMask& mask,
                               ScalarArg<uint32_t> moves) const {
  Update u{.weights = part(&params_, r.from, r.count),
           .gradient = part(&gradient, r.from, r.count),
           .lr = ScalarArg<double>(live_.data() + r.group),
           .weight_decay = r.weight_decay,
           .moves = moves,
           .mask = part(mask.buffer, r.from, r.count),
           .mask_mode = mask.mode};
  for (const ParamBuffer& s : state_) u.state.push_back(part(&s, r.from, r.count));
  for (size_t i = groups_.size(); i < live_.size(); ++i) u.numbers.emplace_back(live_.data() + i);
  return u;
}

void WeightOptimizer::step(Stream stream, const ParamBuffer& gradient, GradientMask mask, EmaTarget target,
                           ScalarArg<uint32_t> moves) {
  const PhaseRange phase(stream, "update");
  TEMPER_CHECK(!mask.buffer || rule_.handles_masks(),
               "optimizer: this one does not handle masks of gradients, which the training method uses; take one that "
               "does, such as sgd or adam");
  const Tensor half = params_.half_copy();
  const auto average = [&](const Range& r) {
    dispatch_full(params_.dtype(), [&](auto tag) {
      using T = decltype(tag);
      ema<T>(stream, r.count, target.average->all().as<T>() + r.from, params_.all().as<T>() + r.from, target.keep,
             moves);
    });
  };
  bool copied = true;
  for (const Range& r : ranges_) {
    const Update u = update(r, gradient, mask, moves);
    const FusedCopies copies{.average = part(target.average, r.from, r.count),
                             .keep = target.keep,
                             .half = half ? half.rows(r.from, r.count) : Tensor()};
    if (rule_.update_with(stream, u, copies)) continue;
    copied = false;
    rule_.update(stream, u);
    if (target.average) average(r);
  }
  if (target.average)
    for (const Range& r : frozen_) average(r);
  if (copied)
    params_.bump_version_with_half_copy();
  else
    params_.bump_version();
  for (ParamBuffer& s : state_) s.bump_version();
  if (target.average) target.average->bump_version();
}

ParamBuffer& WeightOptimizer::state(const std::string& name) {
  const auto at = std::find(names_.begin(), names_.end(), name);
  TEMPER_CHECK(at != names_.end(), "optimizer: no array '", name, "' is kept", did_you_mean(name, names_),
               " (known: ", join(names_), ")");
  return state_[static_cast<size_t>(at - names_.begin())];
}

void WeightOptimizer::visit_state(StateVisitor& v, const std::string& prefix) {
  for (size_t i = 0; i < names_.size(); ++i) v(prefix + "." + names_[i], state_[i]);
}

}  // namespace temper
