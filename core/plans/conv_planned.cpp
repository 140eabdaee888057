#include "core/plans/conv_planned.h"

#include <optional>

#include "core/convolution/device_filters.h"
#include "core/memory/arena.h"
#include "core/plans/conv_plans.h"
#include "core/plans/plan_workers.h"
#include "kernels/convert/convert.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

using namespace conv_id;

int64_t common_alignment(const ConvBindings& bindings) {
  uintptr_t bits = 16;
  for (const ConvBinding& b : bindings) bits |= reinterpret_cast<uintptr_t>(b.data);
  return static_cast<int64_t>(bits & -bits);
}

ConvKey aligned(ConvKey key, const ConvBindings& bindings) {
  key.alignment = common_alignment(bindings);
  return key;
}

/// Stands for a plan that is still to be made.
class NotedPlan : public ConvPlan {
 public:
  std::string engine() const override { return ""; }
  bool compiled() const override { return false; }
  int64_t workspace() const override { return 0; }
  void execute(Stream, const ConvBindings&, void*) const override {}
  std::string text() const override { return ""; }
};

/// A key and the arrays it is to be computed on.
struct Call {
  ConvKey key;
  ConvBindings bindings;
};

class PlannedConv : public ConvBackend {
 public:
  PlannedConv(std::unique_ptr<ConvEngines> engines, const PlannedConvOptions& options)
      : arena_(*options.arena),
        device_(options.device),
        math_(options.planning.math),
        plans_(std::move(engines), {.choice = options.planning.choice,
                                    .check = options.planning.check,
                                    .folder = options.planning.folder,
                                    .workspace = options.planning.workspace_mb << 20,
                                    .program = plan_program()}),
        filters_(options.device) {}

  const char* name() const override { return plans_.engines().name(); }
  ConvStats stats() const override {
    return {.primitives_created = plans_.made(),
            .filters_prepared = filters_.stats().filters_prepared,
            .allocations = filters_.stats().allocations,
            .trial_seconds = plans_.trial_seconds()};
  }
  bool supports(DType dtype) const override { return dtype == DType::f32 || size_of(dtype) == 2; }
  std::vector<std::string> notes() const override { return plans_.notes(); }
  void make_plans(Stream stream) override { plans_.make_noted(stream); }

  ConvDone forward(Stream stream, const ConvForward& r) override {
    if (r.shape.n == 0) return residual_and_relu(r);
    const auto [w, bias] = filters_.get(stream, r.filter, r.y.dtype);
    const Call plain{{.shape = r.shape, .type = type(r.y.dtype)}, {{kX, r.x.data}, {kW, w}, {kY, r.y.data}}};
    Call fused = plain;
    fused.key.relu = r.relu;
    const auto fuse = [&](bool ConvKey::*what, int64_t id, void* data) {
      if (!data) return;
      fused.key.*what = true;
      fused.bindings.push_back({id, data});
    };
    fuse(&ConvKey::bias, kBias, bias);
    fuse(&ConvKey::residual, kResidual, r.residual.data);
    fuse(&ConvKey::statistics, kSum, r.sum.data);
    fuse(&ConvKey::statistics, kSquares, r.squares.data);
    if (try_run(stream, fused, plain)) return all_of(r);
    run(stream, plain);
    return {.bias = bias ? Tensor{bias, {r.shape.k}, r.y.dtype, device_} : Tensor{}};
  }

  ConvDone backward_data(Stream stream, const ConvBackwardData& r) override {
    if (r.shape.n == 0) return all_of(r);
    void* w = filters_.get(stream, r.filter, r.dx.dtype).w;
    const bool add = r.beta != 0;
    const Call plain{{.shape = r.shape, .type = type(r.dx.dtype), .pass = ConvPass::backward_data, .accumulate = add},
                     {{kX, r.dx.data}, {kW, w}, {kY, r.dy.data}}};
    // Added to dx itself, one fused engine would read and write it, which cuDNN does not promise to allow.
    if (r.mask && (!add || r.elsewhere)) {
      Call fused = plain;
      fused.key.accumulate = false;
      fused.key.mask = true;
      fused.key.residual = add;
      fused.bindings.push_back({kMask, r.mask.data});
      if (add) fused.bindings.push_back({kResidual, r.dx.data});
      if (const ConvPlan* found = plan(stream, fused, plain)) {
        if (add) fused.bindings.front().data = r.elsewhere().data;
        execute(stream, *found, fused.bindings);
        return {.mask = true};
      }
    }
    run(stream, plain);
    return {};
  }

  void backward_filter(Stream stream, const ConvBackwardFilter& r) override {
    const ConvShape& g = r.shape;
    const Tensor &x = r.x, &dy = r.dy, &dw = r.dw;
    if (g.n == 0) {
      if (r.beta == 0) set_zero(stream, dw.data, dw.bytes());
      return;
    }
    const Arena::Scope scratch(arena_);
    const ConvKey key{
        .shape = g, .type = type(DType::f32), .pass = ConvPass::backward_filter, .accumulate = r.beta != 0};
    if (size_of(x.dtype) == 2) {
      const Tensor sum = arena_.tensor(dw.shape, dw.dtype);
      const Call call{{.shape = g, .type = type(x.dtype), .pass = ConvPass::backward_filter},
                      {{kX, x.data}, {kW, dw.data}, {kY, dy.data}, {kAccumulator, sum.data}}};
      // Converted operands lie in the arena, where arrays start at a multiple of 16 bytes.
      if (plan(stream, call, Call{key, {{kW, dw.data}}})) {
        if (r.beta == 0)
          set_zero(stream, sum.data, sum.bytes());
        else
          copy(stream, sum.data, device_, dw.data, device_, dw.bytes());
        return run(stream, call);
      }
    }
    // 16 bits without an engine for an f32 gradient (channel counts that are not a multiple of 8): f32 throughout.
    const Tensor x32 = as_f32(stream, x), dy32 = as_f32(stream, dy);
    run(stream, {key, {{kX, x32.data}, {kW, dw.data}, {kY, dy32.data}}});
  }

 private:
  ConvType type(DType t) const {
    TEMPER_CHECK(t != DType::f64, "conv2d: f64 runs on the CPU only; use precision.compute: f32, bf16 or f16 on cuda");
    if (t == DType::bf16) return ConvType::bf16;
    if (t == DType::f16) return ConvType::f16;
    return math_ == ConvMath::tf32 ? ConvType::tf32 : ConvType::f32;
  }

  /// The plan of a call, or null where the library has none; then `otherwise` is what will be asked for.
  const ConvPlan* plan(Stream stream, const Call& call, const std::optional<Call>& otherwise) {
    const ConvKey key = aligned(call.key, call.bindings);
    if (!planning(stream) || plans_.known(key)) return plans_.get(stream, key);
    std::vector<ConvKey> keys = {key};
    if (otherwise) keys.push_back(aligned(otherwise->key, otherwise->bindings));
    plans_.note(std::move(keys));
    return &noted_;
  }
  bool try_run(Stream stream, const Call& call, const std::optional<Call>& otherwise) {
    const ConvPlan* found = plan(stream, call, otherwise);
    if (found) execute(stream, *found, call.bindings);
    return found;
  }
  void run(Stream stream, const Call& call) {
    if (!try_run(stream, call, std::nullopt)) fail(plans_.refusal(aligned(call.key, call.bindings)));
  }

  void execute(Stream stream, const ConvPlan& plan, const ConvBindings& bindings) {
    const Arena::Scope scratch(arena_);
    void* workspace = plan.workspace() > 0 ? arena_.tensor({plan.workspace()}, DType::u8).data : nullptr;
    if (!planning(stream)) plan.execute(stream, bindings, workspace);
  }

  Tensor as_f32(Stream stream, const Tensor& t) {
    if (t.dtype == DType::f32) return t;
    const Tensor copy = arena_.tensor(t.shape, DType::f32);
    dispatch_half(t.dtype, [&](auto tag) { convert(stream, t.numel(), t.as<decltype(tag)>(), 0.f, copy.as<float>()); });
    return copy;
  }

  Arena& arena_;
  Device device_;
  ConvMath math_;
  ConvPlans plans_;
  DeviceFilters filters_;
  NotedPlan noted_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_planned_conv(std::unique_ptr<ConvEngines> engines,
                                               const PlannedConvOptions& options) {
  TEMPER_CHECK(options.arena, "conv2d: planned convolutions take their work space from an engine's arena; use Engine");
  return std::make_unique<PlannedConv>(std::move(engines), options);
}

}  // namespace temper
