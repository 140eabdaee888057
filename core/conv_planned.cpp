#include "core/conv_planned.h"

#include "core/arena.h"
#include "core/conv_epilogue.h"
#include "core/conv_plans.h"
#include "core/prepared_filters.h"
#include "kernels/convert/convert.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

using namespace conv_id;

int64_t common_alignment(const ConvBindings& bindings) {
  uintptr_t bits = 16;
  for (const ConvBinding& b : bindings) bits |= reinterpret_cast<uintptr_t>(b.data);
  return static_cast<int64_t>(bits & -bits);
}

class PlannedConv : public ConvBackend {
 public:
  PlannedConv(std::unique_ptr<ConvEngines> engines, const PlannedConvOptions& options)
      : arena_(*options.arena),
        device_(options.device),
        math_(options.planning.math),
        exactness_(options.exactness),
        plans_(std::move(engines), {.choice = options.planning.choice,
                                    .folder = options.planning.folder,
                                    .workspace = options.planning.workspace_mb << 20}),
        filters_(options.device) {}

  const char* name() const override { return plans_.engines().name(); }
  ConvStats stats() const override {
    return {.primitives_created = plans_.made(),
            .filters_prepared = filters_.prepared(),
            .allocations = filters_.allocations()};
  }
  bool supports(DType dtype) const override { return dtype == DType::f32 || size_of(dtype) == 2; }
  bool takes_narrow_filters() const override { return true; }
  bool adds_apart() const override { return exactness_ != Exactness::exact; }
  std::vector<std::string> notes() const override { return plans_.notes(); }

  void forward(Stream stream, const ConvShape& g, const Tensor& x, const ConvFilter& filter, const ConvEpilogue& e,
               const Tensor& y) override {
    if (g.n == 0) return;
    const auto [w, bias] = filters_.get(stream, g, filter, y.dtype);
    const ConvKey key{
        .shape = g, .type = type(y.dtype), .bias = bias != nullptr, .residual = bool(e.residual), .relu = e.relu};
    ConvBindings bindings = {{kX, x.data}, {kW, w}, {kY, y.data}};
    if (bias) bindings.push_back({kBias, bias});
    if (e.residual) bindings.push_back({kResidual, e.residual.data});
    if (try_run(stream, key, bindings)) return;
    bindings.resize(3);
    run(stream, {.shape = g, .type = key.type}, bindings);
    apply_epilogue(stream, g, y, bias ? Tensor{bias, {g.k}, y.dtype, device_} : Tensor{}, e);
  }

  bool forward_statistics(Stream stream, const ConvShape& g, const Tensor& x, const ConvFilter& filter, const Tensor& y,
                          const Tensor& sum, const Tensor& squares) override {
    if (g.n == 0 || filter.fold || filter.bias) return false;
    return try_run(stream, {.shape = g, .type = type(y.dtype), .statistics = true},
                   {{kX, x.data},
                    {kW, filters_.get(stream, g, filter, y.dtype).w},
                    {kY, y.data},
                    {kSum, sum.data},
                    {kSquares, squares.data}});
  }

  void backward_data(Stream stream, const ConvShape& g, const Tensor& dy, const ConvFilter& filter, float beta,
                     const Tensor& dx) override {
    if (g.n == 0) return;
    void* w = filters_.get(stream, g, filter, dx.dtype).w;
    run(stream, {.shape = g, .type = type(dx.dtype), .pass = ConvPass::backward_data, .accumulate = beta != 0},
        {{kX, dx.data}, {kW, w}, {kY, dy.data}});
  }

  void backward_filter(Stream stream, const ConvShape& g, const Tensor& x, const Tensor& dy, float beta,
                       const Tensor& dw) override {
    if (g.n == 0) {
      if (beta == 0) set_zero(stream, dw.data, dw.bytes());
      return;
    }
    const Arena::Scope scratch(arena_);
    if (size_of(x.dtype) == 2) {
      const Tensor sum = arena_.tensor(dw.shape, dw.dtype);
      const ConvKey key{.shape = g, .type = type(x.dtype), .pass = ConvPass::backward_filter};
      const ConvBindings bindings = {{kX, x.data}, {kW, dw.data}, {kY, dy.data}, {kAccumulator, sum.data}};
      if (plan(stream, key, bindings)) {
        if (beta == 0)
          set_zero(stream, sum.data, sum.bytes());
        else
          copy(stream, sum.data, device_, dw.data, device_, dw.bytes());
        return run(stream, key, bindings);
      }
    }
    // 16 bits without an engine for an f32 gradient (channel counts that are not a multiple of 8): f32 throughout.
    const Tensor x32 = as_f32(stream, x), dy32 = as_f32(stream, dy);
    run(stream, {.shape = g, .type = type(DType::f32), .pass = ConvPass::backward_filter, .accumulate = beta != 0},
        {{kX, x32.data}, {kW, dw.data}, {kY, dy32.data}});
  }

 protected:
  // Added to dx itself, one fused engine would read and write it, which cuDNN does not promise to allow.
  bool backward_data_masked(Stream stream, const ConvShape& g, const Tensor& dy, const ConvFilter& filter,
                            const ConvDataEpilogue& e, const Tensor& dx) override {
    if (e.beta != 0 || exactness_ == Exactness::exact) return false;
    if (g.n == 0) return true;
    void* w = filters_.get(stream, g, filter, dx.dtype).w;
    ConvBindings bindings = {{kX, dx.data}, {kW, w}, {kY, dy.data}, {kMask, e.mask.data}};
    if (e.addend) bindings.push_back({kResidual, e.addend.data});
    return try_run(
        stream,
        {.shape = g, .type = type(dx.dtype), .pass = ConvPass::backward_data, .residual = bool(e.addend), .mask = true},
        bindings);
  }

 private:
  ConvType type(DType t) const {
    TEMPER_CHECK(t != DType::f64, "conv2d: f64 runs on the CPU only; use precision.compute: f32, bf16 or f16 on cuda");
    if (t == DType::bf16) return ConvType::bf16;
    if (t == DType::f16) return ConvType::f16;
    return math_ == ConvMath::tf32 ? ConvType::tf32 : ConvType::f32;
  }

  const ConvPlan* plan(Stream stream, ConvKey key, const ConvBindings& bindings) {
    key.alignment = common_alignment(bindings);
    return plans_.get(key, [&](const ConvPlan& candidate) { return seconds(stream, key, candidate, bindings); });
  }
  bool try_run(Stream stream, const ConvKey& key, const ConvBindings& bindings) {
    const ConvPlan* found = plan(stream, key, bindings);
    if (found) execute(stream, *found, bindings);
    return found;
  }
  void run(Stream stream, ConvKey key, const ConvBindings& bindings) {
    if (try_run(stream, key, bindings)) return;
    key.alignment = common_alignment(bindings);
    fail(plans_.refusal(key));
  }

  void execute(Stream stream, const ConvPlan& plan, const ConvBindings& bindings) {
    const Arena::Scope scratch(arena_);
    plan.execute(stream, bindings, plan.workspace() > 0 ? arena_.tensor({plan.workspace()}, DType::u8).data : nullptr);
  }

  /// One timed run, for choosing. What it writes is written again by the run that follows, but for a sum.
  double seconds(Stream stream, const ConvKey& key, const ConvPlan& plan, ConvBindings bindings) {
    const Arena::Scope scratch(arena_);
    if (key.accumulate)
      for (ConvBinding& b : bindings)
        if (b.id == (key.pass == ConvPass::backward_data ? kX : kW)) {
          const ConvShape& g = key.shape;
          const int64_t n = b.id == kX ? g.n * g.h * g.w * g.c : g.k * g.r * g.s * g.c;
          b.data = arena_.tensor({n}, DType::f32).data;
        }
    return plans_.engines().seconds(stream, [&] { execute(stream, plan, bindings); });
  }

  Tensor as_f32(Stream stream, const Tensor& t) {
    if (t.dtype == DType::f32) return t;
    const Tensor copy = arena_.tensor(t.shape, DType::f32);
    dispatch_narrow(t.dtype,
                    [&](auto tag) { convert(stream, t.numel(), t.as<decltype(tag)>(), 0.f, copy.as<float>()); });
    return copy;
  }

  Arena& arena_;
  Device device_;
  ConvMath math_;
  Exactness exactness_;
  ConvPlans plans_;
  PreparedFilters filters_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_planned_conv(std::unique_ptr<ConvEngines> engines,
                                               const PlannedConvOptions& options) {
  TEMPER_CHECK(options.arena, "conv2d: planned convolutions take their work space from an engine's arena; use Engine");
  return std::make_unique<PlannedConv>(std::move(engines), options);
}

}  // namespace temper
