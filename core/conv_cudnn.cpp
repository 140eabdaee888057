#include <map>
#include <memory>
#include <tuple>

#include "core/conv_plan_cudnn.h"
#include "kernels/convert/convert.h"
#include "kernels/fold_filter/fold_filter.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

using cudnn::ConvKey;
using cudnn::ConvPass;

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
  uint64_t stamp = 0;
  Buffer w, bias;
};

struct Binding {
  int64_t id;
  void* data;
};

class CudnnConv : public ConvBackend {
 public:
  CudnnConv() {
    cudnnHandle_t handle = nullptr;
    cudnn::check(cudnnCreate(&handle), "create handle");
    handle_.reset(handle);
  }
  const char* name() const override { return "cudnn"; }
  ConvStats stats() const override { return stats_; }

  void forward(Stream stream, const ConvShape& g, const Tensor& x, const ConvFilter& filter, const ConvEpilogue& e,
               const Tensor& y) override {
    if (g.n == 0) return;
    const auto [w, bias] = prepare(stream, g, filter, y.dtype);
    std::vector<Binding> bindings = {{cudnn::kX, x.data}, {cudnn::kW, w}, {cudnn::kY, y.data}};
    if (bias) bindings.push_back({cudnn::kBias, bias});
    if (e.residual) bindings.push_back({cudnn::kResidual, e.residual.data});
    const ConvKey key{
        .shape = g, .dtype = y.dtype, .bias = bias != nullptr, .residual = bool(e.residual), .relu = e.relu};
    run(stream, key, bindings);
  }

  void backward_data(Stream stream, const ConvShape& g, const Tensor& dy, const ConvFilter& filter, float beta,
                     const Tensor& dx) override {
    if (g.n == 0) return;
    void* w = prepare(stream, g, filter, dx.dtype).first;
    const ConvKey key{.shape = g, .dtype = dx.dtype, .pass = ConvPass::backward_data, .accumulate = beta != 0};
    run(stream, key, {{cudnn::kX, dx.data}, {cudnn::kW, w}, {cudnn::kY, dy.data}});
  }

  void backward_filter(Stream stream, const ConvShape& g, const Tensor& x, const Tensor& dy, float beta,
                       const Tensor& dw) override {
    if (g.n == 0) {
      if (beta == 0) set_zero(stream, dw.data, dw.bytes());
      return;
    }
    ConvKey key{.shape = g, .dtype = x.dtype, .pass = ConvPass::backward_filter};
    if (x.dtype == DType::bf16) {
      std::vector<Binding> bindings = {{cudnn::kX, x.data}, {cudnn::kW, dw.data}, {cudnn::kY, dy.data}};
      key.alignment = common_alignment(bindings);
      if (plan(key)) return accumulate_bf16(stream, key, bindings, beta, dw);
    }
    // bf16 without an engine for an f32 gradient (channel counts that are not a multiple of 8): f32 throughout.
    key.dtype = DType::f32;
    key.accumulate = beta != 0;
    run(stream, key,
        {{cudnn::kX, as_f32(stream, x, x_f32_)}, {cudnn::kW, dw.data}, {cudnn::kY, as_f32(stream, dy, dy_f32_)}});
  }

 private:
  struct Destroy {
    void operator()(cudnnHandle_t h) const { cudnnDestroy(h); }
  };

  static int64_t common_alignment(const std::vector<Binding>& bindings) {
    uintptr_t bits = 16;
    for (const Binding& b : bindings) bits |= reinterpret_cast<uintptr_t>(b.data);
    return static_cast<int64_t>(bits & -bits);
  }

  const std::optional<cudnn::Plan>& plan(const ConvKey& key) {
    const auto it = plans_.find(key);
    if (it != plans_.end()) return it->second;
    ++stats_.primitives_created;
    return plans_.emplace(key, cudnn::find_plan(conv_graph(key), {.handle = handle_.get()}, conv_limits(key)))
        .first->second;
  }

  void run(Stream stream, ConvKey key, const std::vector<Binding>& bindings) {
    TEMPER_CHECK(key.dtype != DType::f64, "conv2d: f64 runs on the CPU only; use compute: f32 or bf16 on cuda");
    key.alignment = common_alignment(bindings);
    const std::optional<cudnn::Plan>& found = plan(key);
    const ConvShape& g = key.shape;
    TEMPER_CHECK(found, "conv2d: cuDNN ", cudnnGetVersion(), " has no deterministic ", key.dtype, " engine for x (",
                 g.n, ", ", g.h, ", ", g.w, ", ", g.c, "), w (", g.k, ", ", g.r, ", ", g.s, ", ", g.c, "), stride ",
                 g.stride, ", padding ", g.pad);
    std::vector<int64_t> ids;
    std::vector<void*> pointers;
    for (const Binding& b : bindings) {
      ids.push_back(b.id);
      pointers.push_back(b.data);
    }
    cudnn::check(cudnnSetStream(handle_.get(), static_cast<cudaStream_t>(stream.handle)), "set stream");
    found->execute(handle_.get(), ids, pointers, workspace_.at_least(found->workspace));
  }

  void accumulate_bf16(Stream stream, const ConvKey& key, std::vector<Binding> bindings, float beta, const Tensor& dw) {
    void* sum = accumulator_.at_least(dw.bytes());
    if (beta == 0)
      set_zero(stream, sum, dw.bytes());
    else
      copy(stream, sum, Device::cuda, dw.data, Device::cuda, dw.bytes());
    bindings.push_back({cudnn::kAccumulator, sum});
    run(stream, key, bindings);
  }

  void* as_f32(Stream stream, const Tensor& t, Buffer& buffer) {
    if (t.dtype == DType::f32) return t.data;
    void* data = buffer.at_least(t.numel() * sizeof(float));
    convert(stream, t.numel(), t.as<bfloat16>(), 0.f, static_cast<float*>(data));
    return data;
  }

  /// The filter and its bias (or null) in the compute type, folded; kept for as long as the filter's stamp.
  std::pair<void*, void*> prepare(Stream stream, const ConvShape& g, const ConvFilter& f, DType dtype) {
    if (!f.fold && dtype == f.w.dtype) return {f.w.data, f.bias.data};
    Prepared& p =
        prepared_.try_emplace({f.w.data, f.bias.data, f.fold ? f.fold->mean.data : nullptr, dtype}, stats_.allocations)
            .first->second;
    const int64_t weights = f.w.numel();
    void* w = p.w.at_least(weights * size_of(dtype));
    void* bias = f.fold || f.bias ? p.bias.at_least(g.k * size_of(dtype)) : nullptr;
    if (f.stamp != 0 && f.stamp == p.stamp) return {w, bias};
    p.stamp = f.stamp;
    ++stats_.filters_prepared;
    if (dtype == DType::bf16)
      fill<bfloat16>(stream, g, f, w, bias);
    else
      fill<float>(stream, g, f, w, bias);
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

  std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, Destroy> handle_;
  std::map<ConvKey, std::optional<cudnn::Plan>> plans_;
  std::map<std::tuple<void*, void*, void*, DType>, Prepared> prepared_;
  ConvStats stats_;
  Buffer workspace_{stats_.allocations}, accumulator_{stats_.allocations}, x_f32_{stats_.allocations},
      dy_f32_{stats_.allocations};
};

}  // namespace

std::unique_ptr<ConvBackend> make_cudnn_conv() { return std::make_unique<CudnnConv>(); }

}  // namespace temper
