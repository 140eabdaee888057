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
  uint64_t stamp = 0;  ///< names the contents of a parameter (Flat::stamp); 0 for everything else
  Tensor narrow = {};  ///< of a parameter, in the compute type, where convolutions take filters so
  bool needs_grad() const { return slot >= 0; }
};

/// The same value with the gradient cut: no copy, no kernel.
inline Var stop_gradient(Var v) {
  v.slot = -1;
  return v;
}

/// What a pass differentiates with respect to. An attack wants `input` and never pays for weight gradients; training
/// wants `params` and never pays for the image's; evaluation records nothing.
enum class Wrt : uint8_t { nothing, input, params };

/// Where a gradient goes: into = beta * into + gradient.
struct GradSink {
  Tensor into;
  float beta;
};

/// Records operations in the order they run; backward() runs their gradients in the opposite order. That is the whole
/// of autograd here. What a tape allocates is freed with it.
class Tape {
 public:
  Tape(Engine& engine, Wrt wrt);
  Tape(const Tape&) = delete;

  Engine& engine() const { return engine_; }
  Stream stream() const { return engine_.stream(); }
  Wrt wrt() const { return wrt_; }
  /// Uninitialised memory that lives as long as the tape.
  Tensor alloc(Shape shape, DType dtype) { return engine_.arena().tensor(shape, dtype); }

  /// An image batch: differentiated if the tape is opened with Wrt::input.
  Var input(const Tensor& x) {
    if (wrt_ != Wrt::input) return {x};
    inputs_.push_back(new_slot());
    return {x, inputs_.back()};
  }
  /// A parameter: differentiated if the tape is opened with Wrt::params and the parameter is not frozen. The same
  /// parameter asked for twice is the same variable.
  Var param(const Flat& values, int i);

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
  Tensor renew(const Var& v);
  /// Hands a gradient over without a copy, when nothing was written for v yet: true if `dy` became v's gradient.
  /// To be called with a dy that this node's backward will not use again.
  bool adopt(const Var& v, const Tensor& dy);

  /// The gradient of a ReLU may be taken by whoever adds last to its output's gradient, and can do so for nothing:
  /// the op that made y = relu(...) offers it, a consumer's backward asks for it (and then writes zeros where x is not
  /// above 0), and the op's own backward learns whether that happened.
  void offer_mask(const Var& y) {
    if (y.needs_grad()) uses_[y.slot].mask_offered = true;
  }
  bool take_mask(const Var& x);
  bool mask_taken() const { return slots_[current_].masked; }

  /// The gradient that backward() found for an input.
  Tensor grad(const Var& v) const;

  /// Differentiates `loss` (its sum, where it holds one value per sample) and writes d(loss)/d(param) over each buffer
  /// in `grads`, zero where nothing reaches a parameter. What runs in between is larger by the engine's loss scale. The
  /// buffers are told apart by their store. May be called again with another loss or other buffers: the recording is
  /// kept until the tape goes away.
  void backward(const Var& loss, std::span<Flat* const> grads = {});
  void backward(const Var& loss, Flat& grads) {
    Flat* one[] = {&grads};
    backward(loss, one);
  }
  /// backward() of one value per sample for inputs alone, with these loss scales, (N) or (1), in place of the
  /// engine's: the gradients of inputs stay as much larger. All f32.
  void backward_scaled(const Var& loss, const Tensor& scales);

 private:
  struct Slot {
    Tensor grad;
    bool written = false, pooled = false, masked = false;
  };
  struct Use {
    int first = -1;  ///< slot of the first node that takes this one: its backward runs last
    bool mask_offered = false;
  };
  struct Node {
    const char* op;
    int slot;
    std::function<void(Tape&, const Tensor& dy)> backward;
  };
  struct Leaf {
    int slot, param;
    const ParamStore* store;
  };
  int new_slot() {
    slots_.emplace_back();
    uses_.emplace_back();
    return static_cast<int>(slots_.size()) - 1;
  }
  Tensor take(const Shape& shape, DType dtype);
  void release(const Tensor& t);
  void give_back(Slot& slot);
  void bind(std::span<Flat* const> grads);
  void clear_unreached(std::span<Flat* const> grads);
  void unscale(std::span<Flat* const> grads);
  void sweep(const Var& loss, std::span<Flat* const> grads, const std::function<void(const Tensor& seeds)>& scale);
  const std::optional<LossScale>& loss_scale() const;

  Engine& engine_;
  Arena::Scope scope_;
  Wrt wrt_;
  std::vector<Slot> slots_;
  std::vector<Use> uses_;  ///< of each slot
  std::vector<Node> nodes_;
  std::vector<Leaf> leaves_;
  std::vector<int> inputs_;   ///< slots
  std::vector<Tensor> free_;  ///< gradient buffers no longer in use, as flat byte tensors
  int current_ = -1;          ///< slot of the node whose backward runs
};

}  // namespace temper
