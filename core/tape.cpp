#include "core/tape.h"

#include <algorithm>

#include "kernels/axpby/axpby.h"
#include "kernels/fill/fill.h"
#include "kernels/row_scale/row_scale.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"

namespace temper {

namespace {
/// How messages call a set of parameters.
std::string described(const ParamLayout& layout) {
  return layout.count() == 0 ? "no arrays" : cat("'", layout[0].name, "' and ", layout.count() - 1, " more");
}
}  // namespace

Tape::Tape(Engine& engine, Wrt wrt) : engine_(engine), scope_(engine.arena()), wrt_(wrt) {}

Var Tape::input(const Tensor& x, const Tensor& into) {
  if (into) {
    TEMPER_CHECK(has(wrt_, Wrt::input),
                 "input: expected a tape opened with Wrt::input, because the gradient is to go "
                 "into a buffer; open it so or pass none");
    TEMPER_CHECK(into.shape == x.shape && into.dtype == x.dtype, "input: x is ", x.shape, " ", x.dtype,
                 " so the buffer for its gradient must be too, got ", into.shape, " ", into.dtype);
  }
  if (!has(wrt_, Wrt::input)) return {x};
  inputs_.push_back({new_slot(), into});
  return {x, inputs_.back().slot};
}

Var Tape::param(const ParamBuffer& values, int i) {
  Var v{values.view(i)};
  if (!has(wrt_, Wrt::params) || values.layout()[i].frozen) return v;
  for (const Leaf& leaf : leaves_)
    if (leaf.param == i && leaf.values == &values) v.slot = leaf.slot;
  if (v.slot >= 0) return v;
  v.slot = new_slot();
  uses_[v.slot].leaf = static_cast<int>(leaves_.size());
  leaves_.push_back({v.slot, i, &values});
  return v;
}

Tensor Tape::acquire(const Shape& shape, DType dtype) {
  const int64_t bytes = shape.numel() * static_cast<int64_t>(size_of(dtype));
  auto best = free_.end();  // the smallest free buffer that fits without wasting more than half of it
  for (auto it = free_.begin(); it != free_.end(); ++it)
    if (it->numel() >= bytes && it->numel() <= 2 * bytes && (best == free_.end() || it->numel() < best->numel()))
      best = it;
  if (best == free_.end()) return alloc(shape, dtype);
  const Tensor t{best->data, shape, dtype, best->device};
  free_.erase(best);
  return t;
}

void Tape::release(const Tensor& t) {
  free_.push_back({t.data, Shape{static_cast<int64_t>(t.bytes())}, DType::u8, t.device});
}

void Tape::release(Slot& slot) {
  if (!slot.pooled) return;
  release(slot.grad);
  slot = {};
}

GradSink Tape::sink(const Var& v) {
  TEMPER_CHECK(v.needs_grad(), "sink: this operand takes no gradient");
  Slot& s = slots_[v.slot];
  if (!s.grad.data) {
    const int leaf = uses_[v.slot].leaf;
    if (leaf >= 0)
      fail("backward: a gradient reaches the parameter '", leaves_[leaf].values->layout()[leaves_[leaf].param].name,
           "' and there is no buffer for it; pass {its weights, a buffer} too, or cut the gradient: stop_gradient() "
           "on the output of those weights, or a separate tape with Wrt::nothing");
    s.grad = acquire(v.value.shape, v.value.dtype);
    s.pooled = true;
  }
  const float beta = s.written ? 1.f : 0.f;
  s.written = true;
  return {s.grad, beta};
}

Tensor Tape::reallocate_grad(const Var& v) {
  Slot& s = slots_[v.slot];
  TEMPER_ASSERT(s.pooled, "reallocate_grad: expected a gradient in the tape's own memory");
  const Tensor old = s.grad;
  s.grad = acquire(v.value.shape, v.value.dtype);
  release(old);
  return s.grad;
}

bool Tape::move_grad(const Var& v, const Tensor& dy) {
  if (!engine_.uses(Optimisation::adopted_gradients)) return false;
  Slot &to = slots_[v.slot], &from = slots_[current_];
  if (to.written || to.grad.data || uses_[v.slot].leaf >= 0) return false;
  if (!from.pooled || from.grad.data != dy.data) return false;
  to = {.grad = dy.reshaped(v.value.shape), .written = true, .pooled = true};
  from = {};
  return true;
}

bool Tape::claim_relu(const Var& x) {
  if (!engine_.uses(Optimisation::masked_gradients)) return false;
  const Use& use = uses_[x.slot];
  if (!use.relu_offered || use.first != current_) return false;
  slots_[x.slot].relu_claimed = true;
  return true;
}

Tensor Tape::grad(const Var& v) const {
  TEMPER_CHECK(v.needs_grad() && slots_[v.slot].written,
               "grad: no gradient reached this value; was it wrapped in stop_gradient, or is it not an input of a tape "
               "opened with Wrt::input?");
  return slots_[v.slot].grad;
}

void Tape::bind(std::span<const GradientBuffer> grads) {
  for (const GradientBuffer& g : grads) {
    TEMPER_CHECK(&g.into.layout() == &g.of.layout(), "backward: the buffer for the gradients of ",
                 described(g.of.layout()), " has the layout of ", described(g.into.layout()),
                 "; make it of the parameters' own ParamLayout");
    const auto same = [&](const GradientBuffer& other) { return &other.of == &g.of || &other.into == &g.into; };
    TEMPER_CHECK(std::count_if(grads.begin(), grads.end(), same) == 1,
                 "backward: expected each set of parameters and each buffer once, but one of ",
                 described(g.of.layout()), " came twice");
  }
  for (const Leaf& leaf : leaves_) {
    const auto g = std::find_if(grads.begin(), grads.end(), [&](const auto& g) { return &g.of == leaf.values; });
    if (g != grads.end()) slots_[leaf.slot].grad = g->into.view(leaf.param);
  }
  for (const Input& in : inputs_) slots_[in.slot].grad = in.into;
}

void Tape::clear_unreached(std::span<const GradientBuffer> grads) {
  for (const GradientBuffer& g : grads) {
    std::vector<bool> reached(g.into.layout().count());
    for (const Leaf& leaf : leaves_)
      if (leaf.values == &g.of) reached[leaf.param] = slots_[leaf.slot].written;
    for (int i = 0; i < g.into.layout().count(); ++i)
      if (!reached[i]) set_zero(stream(), g.into.view(i).data, g.into.view(i).bytes());
    g.into.bump_version();
  }
  for (const Input& in : inputs_)
    if (in.into && !slots_[in.slot].written) set_zero(stream(), in.into.data, in.into.bytes());
}

namespace {

void multiply(Stream stream, const Tensor& t, ScalarArg<float> factor) {
  dispatch_full(t.dtype, [&](auto tag) {
    axpby<decltype(tag)>(stream, t.numel(), factor, t.as<decltype(tag)>(), 0.f, t.as<decltype(tag)>());
  });
}

}  // namespace

const std::optional<LossScale>& Tape::loss_scale() const {
  const LossScales& scales = engine_.loss_scales();
  return has(wrt_, Wrt::params) ? scales.params : scales.inputs;
}

void Tape::unscale(std::span<const GradientBuffer> grads) {
  for (const GradientBuffer& g : grads) multiply(stream(), g.into.all(), loss_scale()->down);
  for (const Input& in : inputs_)
    if (slots_[in.slot].written) multiply(stream(), slots_[in.slot].grad, loss_scale()->down);
}

void Tape::backward(const Var& loss, ParamBuffer& into) {
  const ParamBuffer* of = nullptr;
  for (const Leaf& leaf : leaves_) {
    if (&leaf.values->layout() != &into.layout() || leaf.values == of) continue;
    TEMPER_CHECK(!of, "backward: two sets of parameters on this tape have the layout of the buffer (",
                 described(into.layout()),
                 "); say which gradient goes where: backward(loss, {{weights, buffer}, ...})");
    of = leaf.values;
  }
  TEMPER_CHECK(of, "backward: this tape differentiates no parameters with the layout of the buffer (",
               described(into.layout()), "); open it with Wrt::params and pass a buffer of their own layout");
  backward(loss, {{*of, into}});
}

void Tape::backward(const Var& loss, std::span<const GradientBuffer> grads) {
  sweep(loss, grads, [&](const Tensor& seeds) {
    if (loss_scale()) multiply(stream(), seeds, loss_scale()->up);
  });
  if (loss_scale()) unscale(grads);
}

void Tape::backward_scaled(const Var& loss, const Tensor& scales) {
  sweep(loss, {}, [&](const Tensor& seeds) {
    const RowFactors each = scales.numel() == seeds.numel() ? RowFactors::one_per_row : RowFactors::one;
    row_scale(stream(), seeds.numel(), 1, 0.f, seeds.as<float>(), seeds.as<const float>(), scales.as<const float>(),
              each, 1);
  });
}

void Tape::sweep(const Var& loss, std::span<const GradientBuffer> grads,
                 const std::function<void(const Tensor& seeds)>& scale) {
  TEMPER_CHECK(loss.value.shape.rank() <= 1, "backward: the loss must be a scalar or one value per sample, got ",
               loss.value.shape);
  TEMPER_CHECK(loss.needs_grad(), "backward: nothing this tape differentiates reaches the loss");
  const PhaseRange phase(stream(), "backward");
  for (Slot& s : slots_) {
    release(s);
    s = {};
  }
  bind(grads);
  const GradSink seed = sink(loss);
  dispatch_full(loss.value.dtype, [&](auto tag) {
    using T = decltype(tag);
    fill<T>(stream(), seed.into.numel(), seed.into.as<T>(), T(1));
  });
  scale(seed.into);
  for (size_t i = nodes_.size(); i-- > 0;) {
    current_ = nodes_[i].slot;
    if (!slots_[current_].written) continue;
    const PhaseRange op(stream(), nodes_[i].op);
    nodes_[i].backward(*this, slots_[current_].grad);
    release(slots_[current_]);
  }
  clear_unreached(grads);
}

}  // namespace temper
