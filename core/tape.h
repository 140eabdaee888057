#pragma once
#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include "core/engine.h"
#include "core/params.h"
#include "core/tensor.h"

namespace TEMPER_API temper {

/// A value and, if a gradient is wanted for it, its slot on the tape.
struct Var {
  Tensor value;
  int slot = -1;
  bool needs_grad() const { return slot >= 0; }
};

/// The same value with the gradient cut: no copy, no kernel.
inline Var stop_gradient(Var v) {
  v.slot = -1;
  return v;
}

/// What a pass differentiates with respect to. An attack wants `input` and never pays for weight gradients; training
/// wants `params` and never pays for the image's; `Wrt::input | Wrt::params` wants both in one backward; evaluation
/// records nothing.
enum class Wrt : uint8_t { nothing = 0, input = 1, params = 2 };
constexpr Wrt operator|(Wrt a, Wrt b) { return static_cast<Wrt>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b)); }
constexpr bool has(Wrt wrt, Wrt one) { return (static_cast<uint8_t>(wrt) & static_cast<uint8_t>(one)) != 0; }

/// Where backward() writes the gradients of the parameters in `of`: a buffer of the same layout.
struct GradientBuffer {
  const ParamBuffer& of;
  ParamBuffer& into;
};

/// Where a gradient goes: into = beta * into + gradient.
struct GradSink {
  Tensor into;
  float beta;
};

/// Records operations in the order they run; backward() runs their gradients in the opposite order. That is the whole
/// of autograd here. What a tape allocates is freed with it.
///
/// The protocol of gradients, which every op follows (docs/design.md, "Tape", has an example):
/// 1. An op records a closure. backward() calls it at most once, when the gradient dy of the op's result is complete.
///    The closure accumulates into the gradient of every operand that needs one: into = beta * into + g, where sink()
///    of the operand gives `into` and beta. The first writer gets beta = 0, so nothing is zeroed first.
/// 2. dy belongs to the closure until it returns. The closure may overwrite dy, or hand its memory to an operand that
///    has no gradient yet (move_grad), which saves a copy; after that it must not touch dy.
/// 3. Gradients of results live in the tape's pool, which reuses them as soon as their closure has run. Gradients of
///    leaves (parameters, inputs) are complete when backward() returns.
/// 4. ReLU-backward fusion: an op that ends in a ReLU may leave the ReLU's backward to a consumer. The op offers it
///    (offer_relu). The consumer whose closure runs last may claim it (claim_relu) if its kernel can write zeros where
///    the value is not above 0. The op's own closure skips its ReLU if relu_claimed().
class Tape {
 public:
  Tape(Engine& engine, Wrt wrt);
  Tape(const Tape&) = delete;

  Engine& engine() const { return engine_; }
  Stream stream() const { return engine_.stream(); }
  Wrt wrt() const { return wrt_; }
  /// Uninitialised memory that lives as long as the tape.
  Tensor alloc(Shape shape, DType dtype) { return engine_.arena().tensor(shape, dtype); }

  /// An image batch, differentiated if the tape is opened with Wrt::input. Its gradient goes to `into`, which has x's
  /// shape and type (zero where the loss does not depend on x); without `into` it goes to memory of the tape, and
  /// grad() returns it. Each call makes a new variable. Throws Error if `into` is given and the tape does not
  /// differentiate inputs.
  Var input(const Tensor& x, const Tensor& into = {});
  /// A parameter, differentiated if the tape is opened with Wrt::params and the parameter is not frozen. The buffer and
  /// the index identify the variable: the same array of the same buffer is one variable, however often it is asked
  /// for; two buffers of one layout (a network's weights and a perturbed copy) give two.
  Var param(const ParamBuffer& values, int i);

  /// Called by every op. Keeps `backward(tape, dy)` only if an operand needs a gradient; it may overwrite dy.
  template <class Backward>
  Var record(const char* op, const Tensor& out, std::initializer_list<Var> inputs, Backward backward) {
    bool wanted = false;
    for (const Var& v : inputs) wanted |= v.needs_grad();
    if (!wanted) return {out};
    const Var y{out, new_slot()};
    for (const Var& v : inputs)
      if (v.needs_grad() && uses_[v.slot].first < 0) uses_[v.slot].first = y.slot;
    nodes_.push_back({op, y.slot, std::move(backward)});
    return y;
  }

  /// Where the gradient of an operand goes: the first writer overwrites, later ones accumulate.
  GradSink sink(const Var& v);
  /// Moves the gradient of an op's result to other memory, uninitialised, and returns it. The old contents stay
  /// readable until the next sink().
  Tensor reallocate_grad(const Var& v);
  /// Makes dy the gradient of v without a copy, if v has none yet. Returns whether it did. The calling closure must not
  /// use dy afterwards.
  bool move_grad(const Var& v, const Tensor& dy);

  /// ReLU-backward fusion. The op that made y = relu(...) offers the ReLU's backward with offer_relu(y). The consumer
  /// whose closure runs last may claim it; it then writes dx * (x > 0) in place of dx, at no extra cost. In the
  /// producer's closure relu_claimed() says that dy is masked already.
  void offer_relu(const Var& y) {
    if (y.needs_grad()) uses_[y.slot].relu_offered = true;
  }
  bool claim_relu(const Var& x);
  bool relu_claimed() const { return slots_[current_].relu_claimed; }

  /// The gradient of an input, after backward().
  Tensor grad(const Var& v) const;

  /// Differentiates `loss` (its sum, if it holds one value per sample). For the parameters of each `grads[i].of` it
  /// overwrites `grads[i].into` with d(loss)/d(param), zero where the loss does not depend on a parameter. Gradients in
  /// between are multiplied by the engine's loss scale. May be called again with another loss or other buffers: the
  /// tape keeps its closures. Throws Error if a gradient reaches a parameter of which no buffer was given.
  void backward(const Var& loss, std::span<const GradientBuffer> grads = {});
  void backward(const Var& loss, std::initializer_list<GradientBuffer> grads) {
    backward(loss, std::span(grads.begin(), grads.size()));
  }
  /// The same for one buffer. Exactly one set of parameters on the tape must have its layout.
  void backward(const Var& loss, ParamBuffer& into);
  /// backward() for inputs alone, with the loss scales `scales`, (N) or (1) f32, in place of the engine's. `loss` is
  /// (N) f32. The gradients of inputs are not divided by the scale.
  void backward_scaled(const Var& loss, const Tensor& scales);

 private:
  struct Slot {
    Tensor grad;
    bool written = false, pooled = false, relu_claimed = false;
  };
  struct Use {
    int first = -1;  ///< slot of the first node that takes this one as operand: its closure runs last
    int leaf = -1;   ///< of a parameter: its index in leaves_
    bool relu_offered = false;
  };
  struct Node {
    const char* op;
    int slot;
    std::function<void(Tape&, const Tensor& dy)> backward;
  };
  struct Leaf {
    int slot, param;
    const ParamBuffer* values;
  };
  struct Input {
    int slot;
    Tensor into;  ///< empty: memory of the tape
  };
  int new_slot() {
    slots_.emplace_back();
    uses_.emplace_back();
    return static_cast<int>(slots_.size()) - 1;
  }
  Tensor acquire(const Shape& shape, DType dtype);
  void release(const Tensor& t);
  void release(Slot& slot);
  void bind(std::span<const GradientBuffer> grads);
  void clear_unreached(std::span<const GradientBuffer> grads);
  void unscale(std::span<const GradientBuffer> grads);
  void sweep(const Var& loss, std::span<const GradientBuffer> grads,
             const std::function<void(const Tensor& seeds)>& scale);
  const std::optional<LossScale>& loss_scale() const;

  Engine& engine_;
  Arena::Scope scope_;
  Wrt wrt_;
  std::vector<Slot> slots_;
  std::vector<Use> uses_;  ///< of each slot
  std::vector<Node> nodes_;
  std::vector<Leaf> leaves_;
  std::vector<Input> inputs_;
  std::vector<Tensor> free_;  ///< the pool: gradient buffers no longer in use, as flat byte tensors
  int current_ = -1;          ///< slot of the node whose closure runs
};

}  // namespace temper
