#pragma once
#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include "core/engine.h"
#include "core/params.h"
#include "core/tensor.h"

namespace temper {

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
/// The protocol of gradients, which ops follow (docs/design.md, "Tape", tells it with an example):
/// 1. An op records a closure. It runs at most once per backward(), when the gradient dy of the op's result is
/// complete,
///    and adds to the gradient of every operand that needs one: into = beta * into + g, with the sink() of the operand.
///    The first writer gets beta = 0, so nothing is zeroed first.
/// 2. dy belongs to the closure until it returns: it may be overwritten, and move_grad() makes it an operand's gradient
///    where nothing was written for that operand yet, which saves a copy. After that the closure leaves it alone.
/// 3. Gradients of results are the tape's own memory and are used again as soon as their closure has run. Gradients of
///    leaves (parameters, inputs) are complete when backward() returns.
/// 4. A ReLU at the end of an op may be left to a consumer: the op offers it (offer_relu), and the consumer that adds
///    last to the gradient may claim it (claim_relu) if its kernel can write zeros where the value is not above 0. The
///    op's closure asks relu_claimed() and then does not apply it again.
class Tape {
 public:
  Tape(Engine& engine, Wrt wrt);
  Tape(const Tape&) = delete;

  Engine& engine() const { return engine_; }
  Stream stream() const { return engine_.stream(); }
  Wrt wrt() const { return wrt_; }
  /// Uninitialised memory that lives as long as the tape.
  Tensor alloc(Shape shape, DType dtype) { return engine_.arena().tensor(shape, dtype); }

  /// An image batch: differentiated if the tape is opened with Wrt::input. Its gradient goes to `into`, a tensor of x's
  /// shape and type (zero where the loss does not depend on x), or, without one, to memory of the tape, for grad().
  /// Each call makes a variable of its own. Throws Error if there is an `into` and the tape does not differentiate
  /// inputs.
  Var input(const Tensor& x, const Tensor& into = {});
  /// A parameter: differentiated if the tape is opened with Wrt::params and the parameter is not frozen. It is known by
  /// its buffer: the same array of the same buffer asked for twice is the same variable, two buffers of one layout (a
  /// network's weights and perturbed ones) are two.
  Var param(const ParamBuffer& values, int i);

  /// Called by every op. `backward(tape, dy)` is kept only if a gradient can reach it; it may overwrite dy.
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

  /// Where the gradient of an operand goes: the first writer overwrites, later ones add.
  GradSink sink(const Var& v);
  /// The gradient of an op's result gets other memory; what was written stays where it was until the next sink().
  Tensor reallocate_grad(const Var& v);
  /// Hands a gradient over without a copy, when nothing was written for v yet: true if `dy` became v's gradient.
  /// To be called with a dy that this node's backward will not use again.
  bool move_grad(const Var& v, const Tensor& dy);

  /// The gradient of a ReLU may be taken by whoever adds last to its output's gradient, and can do so for nothing:
  /// the op that made y = relu(...) offers it, a consumer's backward asks for it (and then writes zeros where x is not
  /// above 0), and the op's own backward learns whether that happened.
  void offer_relu(const Var& y) {
    if (y.needs_grad()) uses_[y.slot].relu_offered = true;
  }
  bool claim_relu(const Var& x);
  bool relu_claimed() const { return slots_[current_].relu_claimed; }

  /// The gradient that backward() found for an input.
  Tensor grad(const Var& v) const;

  /// Differentiates `loss` (its sum, where it holds one value per sample) and writes d(loss)/d(param) for the
  /// parameters of each `grads[i].of` over `grads[i].into`, zero where the loss does not depend on a parameter. What
  /// runs in between is larger by the engine's loss scale. May be called again with another loss or other buffers: the
  /// recording is kept until the tape goes away. Throws Error if a gradient reaches a parameter that no buffer is for.
  void backward(const Var& loss, std::span<const GradientBuffer> grads = {});
  void backward(const Var& loss, std::initializer_list<GradientBuffer> grads) {
    backward(loss, std::span(grads.begin(), grads.size()));
  }
  /// The same with one buffer, for the one set of parameters on the tape that has its layout.
  void backward(const Var& loss, ParamBuffer& into);
  /// backward() of one value per sample for inputs alone, with these loss scales, (N) or (1), in place of the
  /// engine's: the gradients of inputs stay as much larger. All f32.
  void backward_scaled(const Var& loss, const Tensor& scales);

 private:
  struct Slot {
    Tensor grad;
    bool written = false, pooled = false, relu_claimed = false;
  };
  struct Use {
    int first = -1;  ///< slot of the first node that takes this one: its backward runs last
    int leaf = -1;   ///< of a parameter: its place in leaves_
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
    Tensor into;  ///< none: memory of the tape
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
  std::vector<Tensor> free_;  ///< gradient buffers no longer in use, as flat byte tensors
  int current_ = -1;          ///< slot of the node whose backward runs
};

}  // namespace temper
