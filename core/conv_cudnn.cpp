#include <map>
#include <memory>
#include <tuple>

#include "core/arena.h"
#include "core/conv_epilogue.h"
#include "core/conv_options.h"
#include "core/conv_plan_cudnn.h"
#include "core/conv_plans_cudnn.h"
#include "kernels/convert/convert.h"
#include "kernels/fold_filter/fold_filter.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

/// Device memory that grows and never shrinks. Growing waits for the device, so it does not happen in a captured step
/// that ran once before.
class Buffer {
 public:
  explicit Buffer(int64_t& allocations) : allocations_(allocations) {}
  ~Buffer() { release(Device::cuda, data_, bytes_); }
  Buffer(const Buffer&) = delete;

  void* at_least(size_t bytes) {
    if (bytes > bytes_) {
      release(Device::cuda, data_, bytes_);
      data_ = nullptr;
      bytes_ = 0;
      data_ = allocate(Device::cuda, bytes);
      bytes_ = bytes;
      ++allocations_;
    }
    return data_;
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
  int64_t& allocations_;
};

/// A filter as the library takes it: in the compute type, a BatchNorm folded in.
struct Prepared {
  explicit Prepared(int64_t& allocations) : w(allocations), bias(allocations) {}
  uint64_t stamp = 0, generation = 0;
  Buffer w, bias;
};

struct Binding {
  int64_t id;
  void* data;
};
using Bindings = std::vector<Binding>;

int64_t common_alignment(const Bindings& bindings) {
  uintptr_t bits = 16;
  for (const Binding& b : bindings) bits |= reinterpret_cast<uintptr_t>(b.data);
  return static_cast<int64_t>(bits & -bits);
}

class CudnnConv : public ConvBackend {
 public:
  explicit CudnnConv(const CudnnConvOptions& options)
      : arena_(*options.arena),
        math_(options.planning.math),
        exactness_(options.exactness),
        plans_({.choice = options.planning.choice,
                .folder = options.planning.folder,
                .workspace = options.planning.workspace_mb << 20}) {}

  const char* name() const override { return "cudnn"; }
  ConvStats stats() const override {
    ConvStats all = stats_;
    all.primitives_created = plans_.made();
    return all;
  }
  bool supports(DType dtype) const override { return dtype == DType::f32 || size_of(dtype) == 2; }
  bool takes_narrow_filters() const override { return true; }
  bool adds_apart() const override { return exactness_ != Exactness::exact; }
  std::vector<std::string> notes() const override { return plans_.notes(); }

  void forward(Stream stream, const ConvShape& g, const Tensor& x, const ConvFilter& filter, const ConvEpilogue& e,
               const Tensor& y) override {
    if (g.n == 0) return;
    const auto [w, bias] = prepare(stream, g, filter, y.dtype);
    ConvKey key{
        .shape = g, .type = type(y.dtype), .bias = bias != nullptr, .residual = bool(e.residual), .relu = e.relu};
    Bindings bindings = {{cudnn::kX, x.data}, {cudnn::kW, w}, {cudnn::kY, y.data}};
    if (bias) bindings.push_back({cudnn::kBias, bias});
    if (e.residual) bindings.push_back({cudnn::kResidual, e.residual.data});
    if (try_run(stream, key, bindings)) return;
    bindings.resize(3);
    run(stream, {.shape = g, .type = key.type}, bindings);
    apply_epilogue(stream, g, y, bias ? Tensor{bias, {g.k}, y.dtype, Device::cuda} : Tensor{}, e);
  }

  bool forward_statistics(Stream stream, const ConvShape& g, const Tensor& x, const ConvFilter& filter, const Tensor& y,
                          const Tensor& sum, const Tensor& squares) override {
    if (g.n == 0 || filter.fold || filter.bias) return false;
    return try_run(stream, {.shape = g, .type = type(y.dtype), .statistics = true},
                   {{cudnn::kX, x.data},
                    {cudnn::kW, prepare(stream, g, filter, y.dtype).first},
                    {cudnn::kY, y.data},
                    {cudnn::kSum, sum.data},
                    {cudnn::kSquares, squares.data}});
  }

  void backward_data(Stream stream, const ConvShape& g, const Tensor& dy, const ConvFilter& filter, float beta,
                     const Tensor& dx) override {
    if (g.n == 0) return;
    void* w = prepare(stream, g, filter, dx.dtype).first;
    run(stream, {.shape = g, .type = type(dx.dtype), .pass = ConvPass::backward_data, .accumulate = beta != 0},
        {{cudnn::kX, dx.data}, {cudnn::kW, w}, {cudnn::kY, dy.data}});
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
      const Bindings bindings = {
          {cudnn::kX, x.data}, {cudnn::kW, dw.data}, {cudnn::kY, dy.data}, {cudnn::kAccumulator, sum.data}};
      if (plan(stream, key, bindings)) {
        if (beta == 0)
          set_zero(stream, sum.data, sum.bytes());
        else
          copy(stream, sum.data, Device::cuda, dw.data, Device::cuda, dw.bytes());
        return run(stream, key, bindings);
      }
    }
    // 16 bits without an engine for an f32 gradient (channel counts that are not a multiple of 8): f32 throughout.
    const Tensor x32 = as_f32(stream, x), dy32 = as_f32(stream, dy);
    run(stream, {.shape = g, .type = type(DType::f32), .pass = ConvPass::backward_filter, .accumulate = beta != 0},
        {{cudnn::kX, x32.data}, {cudnn::kW, dw.data}, {cudnn::kY, dy32.data}});
  }

 protected:
  // Added to dx itself, one fused engine would read and write it, which cuDNN does not promise to allow.
  bool backward_data_masked(Stream stream, const ConvShape& g, const Tensor& dy, const ConvFilter& filter,
                            const ConvDataEpilogue& e, const Tensor& dx) override {
    if (e.beta != 0 || exactness_ == Exactness::exact) return false;
    if (g.n == 0) return true;
    void* w = prepare(stream, g, filter, dx.dtype).first;
    Bindings bindings = {{cudnn::kX, dx.data}, {cudnn::kW, w}, {cudnn::kY, dy.data}, {cudnn::kMask, e.mask.data}};
    if (e.addend) bindings.push_back({cudnn::kResidual, e.addend.data});
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

  const cudnn::Plan* plan(Stream stream, ConvKey key, const Bindings& bindings) {
    key.alignment = common_alignment(bindings);
    return plans_.get(key, [&](const cudnn::Plan& candidate) { return seconds(stream, key, candidate, bindings); });
  }
  bool try_run(Stream stream, const ConvKey& key, const Bindings& bindings) {
    const cudnn::Plan* found = plan(stream, key, bindings);
    if (found) execute(stream, *found, bindings);
    return found;
  }
  void run(Stream stream, ConvKey key, const Bindings& bindings) {
    if (try_run(stream, key, bindings)) return;
    key.alignment = common_alignment(bindings);
    fail(plans_.refusal(key));
  }

  void execute(Stream stream, const cudnn::Plan& plan, const Bindings& bindings) {
    std::vector<int64_t> ids;
    std::vector<void*> pointers;
    for (const Binding& b : bindings) {
      ids.push_back(b.id);
      pointers.push_back(b.data);
    }
    const Arena::Scope scratch(arena_);
    void* workspace = plan.workspace > 0 ? arena_.tensor({plan.workspace}, DType::u8).data : nullptr;
    cudnn::check(cudnnSetStream(plans_.handle(), static_cast<cudaStream_t>(stream.handle)), "set stream");
    plan.execute(plans_.handle(), ids, pointers, workspace);
  }

  /// One timed run, for choosing. What it writes is written again by the run that follows, but for a sum.
  double seconds(Stream stream, const ConvKey& key, const cudnn::Plan& plan, Bindings bindings) {
    const Arena::Scope scratch(arena_);
    if (key.accumulate)
      for (Binding& b : bindings)
        if (b.id == (key.pass == ConvPass::backward_data ? cudnn::kX : cudnn::kW)) {
          const ConvShape& g = key.shape;
          const int64_t n = b.id == cudnn::kX ? g.n * g.h * g.w * g.c : g.k * g.r * g.s * g.c;
          b.data = arena_.tensor({n}, DType::f32).data;
        }
    return cudnn::elapsed(stream, [&] { execute(stream, plan, bindings); });
  }

  Tensor as_f32(Stream stream, const Tensor& t) {
    if (t.dtype == DType::f32) return t;
    const Tensor copy = arena_.tensor(t.shape, DType::f32);
    dispatch_narrow(t.dtype,
                    [&](auto tag) { convert(stream, t.numel(), t.as<decltype(tag)>(), 0.f, copy.as<float>()); });
    return copy;
  }

  /// The filter and its bias (or null) in the compute type, folded; kept for as long as the filter's stamp.
  std::pair<void*, void*> prepare(Stream stream, const ConvShape& g, const ConvFilter& f, DType dtype) {
    if (!f.fold && dtype == f.w.dtype) return {f.w.data, f.bias.data};
    if (!f.fold && !f.bias && f.narrow) return {f.narrow.data, nullptr};
    Prepared& p =
        prepared_.try_emplace({f.w.data, f.bias.data, f.fold ? f.fold->mean.data : nullptr, dtype}, stats_.allocations)
            .first->second;
    const int64_t weights = f.w.numel();
    void* w = p.w.at_least(weights * size_of(dtype));
    void* bias = f.fold || f.bias ? p.bias.at_least(g.k * size_of(dtype)) : nullptr;
    if (f.stamp != 0 && f.stamp == p.stamp && p.generation == generation(stream)) return {w, bias};
    p.stamp = f.stamp;
    p.generation = generation(stream);
    ++stats_.filters_prepared;
    if (dtype == DType::f32)
      fill<float>(stream, g, f, w, bias);
    else
      dispatch_narrow(dtype, [&](auto tag) { fill<decltype(tag)>(stream, g, f, w, bias); });
    return {w, bias};
  }

  template <class T>
  void fill(Stream stream, const ConvShape& g, const ConvFilter& f, void* w, void* bias) {
    if (f.fold) {
      const BatchNormFold& b = *f.fold;
      fold_filter<float, T>(stream, g.k, static_cast<int>(g.r * g.s * g.c), static_cast<T*>(w), static_cast<T*>(bias),
                            {.w = f.w.as<float>(),
                             .bias = f.bias.as<float>(),
                             .gamma = b.gamma.as<float>(),
                             .beta = b.beta.as<float>(),
                             .mean = b.mean.as<float>(),
                             .variance = b.variance.as<float>(),
                             .eps = b.eps});
      return;
    }
    convert(stream, f.w.numel(), f.w.as<float>(), 0.f, static_cast<T*>(w));
    if (bias) convert(stream, g.k, f.bias.as<float>(), 0.f, static_cast<T*>(bias));
  }

  Arena& arena_;
  ConvMath math_;
  Exactness exactness_;
  cudnn::ConvPlans plans_;
  std::map<std::tuple<void*, void*, void*, DType>, Prepared> prepared_;
  ConvStats stats_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_cudnn_conv(const CudnnConvOptions& options) {
  TEMPER_CHECK(options.arena, "conv2d: on cuda convolutions take their work space from an engine's arena; use Engine");
  return std::make_unique<CudnnConv>(options);
}

}  // namespace temper
