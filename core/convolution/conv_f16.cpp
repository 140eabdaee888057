#include <map>
#include <tuple>

#include "core/convolution/conv.h"
#include "core/memory/workspace.h"
#include "core/threads/per_thread.h"
#include "kernels/convert/convert.h"
#include "kernels/fold_filter/fold_filter.h"

namespace temper {

namespace {

std::vector<float> rounded(const float* from, int64_t n) {
  std::vector<float> out(n);
  for (int64_t i = 0; i < n; ++i) out[i] = float16(from[i]);
  return out;
}

class F16Conv : public ConvBackend {
 public:
  explicit F16Conv(std::unique_ptr<ConvBackend> other) : other_(std::move(other)) {}

  const char* name() const override { return other_->name(); }
  ConvStats stats() const override {
    ConvStats all = other_->stats();
    own_.each([&](const Own& own) {
      all.filters_prepared += own.prepared;
      all.allocations += own.workspace.allocations();
    });
    return all;
  }
  bool supports(DType dtype) const override { return other_->supports(dtype == DType::f16 ? DType::f32 : dtype); }
  bool takes_narrow_filters() const override { return true; }

  void forward(Stream s, const ConvShape& g, const Tensor& x, const ConvFilter& f, const ConvEpilogue& e,
               const Tensor& y) override {
    if (y.dtype != DType::f16) return other_->forward(s, g, x, f, e, y);
    Own& own = own_.of(s.worker);
    Floats room(own, x.numel() + y.numel() + (e.residual ? y.numel() : 0));
    const Tensor y32 = room.like(y);
    other_->forward(s, g, room.read(s, x), own.filter(f),
                    {.residual = e.residual ? room.read(s, e.residual) : Tensor{}, .relu = e.relu}, y32);
    convert(s, y.numel(), y32.as<float>(), 0.f, y.as<float16>());
  }

  void backward_data(Stream s, const ConvShape& g, const Tensor& dy, const ConvFilter& f, float beta,
                     const Tensor& dx) override {
    if (dx.dtype != DType::f16) return other_->backward_data(s, g, dy, f, beta, dx);
    Own& own = own_.of(s.worker);
    Floats room(own, dy.numel() + dx.numel());
    const Tensor dx32 = room.like(dx);
    other_->backward_data(s, g, room.read(s, dy), own.filter(f), 0.f, dx32);
    convert(s, dx.numel(), dx32.as<float>(), beta, dx.as<float16>());
  }

  void backward_filter(Stream s, const ConvShape& g, const Tensor& x, const Tensor& dy, float beta,
                       const Tensor& dw) override {
    if (x.dtype != DType::f16) return other_->backward_filter(s, g, x, dy, beta, dw);
    Floats room(own_.of(s.worker), x.numel() + dy.numel());
    const Tensor x32 = room.read(s, x);
    other_->backward_filter(s, g, x32, room.read(s, dy), beta, dw);
  }

 private:
  /// What a thread of the engine keeps for itself.
  struct Own {
    int64_t prepared = 0;
    Workspace workspace;
    struct Rounded {
      uint64_t version = 0;
      std::vector<float> w, bias;
    };
    std::map<std::tuple<void*, void*, void*>, Rounded> kept;

    /// The filter as numbers of f16, folded; kept for as long as its version.
    ConvFilter filter(const ConvFilter& f) {
      Rounded& r = kept[{f.w.data, f.bias.data, f.fold ? f.fold->mean.data : nullptr}];
      if (f.version == 0 || f.version != r.version) fill(f, r);
      const int64_t filters = f.w.shape[0];
      return {.w = {r.w.data(), f.w.shape, DType::f32, Device::cpu},
              .bias = r.bias.empty() ? Tensor{} : Tensor{r.bias.data(), {filters}, DType::f32, Device::cpu},
              .version = f.version};
    }

    void fill(const ConvFilter& f, Rounded& r) {
      r.version = f.version;
      ++prepared;
      const int64_t n = f.w.numel(), filters = f.w.shape[0];
      const float* bias = f.bias.as<float>();
      if (f.fold) {
        const BatchNormFold& b = *f.fold;
        r.w.resize(n);
        r.bias.resize(filters);
        fold_filter<float, float>({}, filters, static_cast<int>(n / filters), r.w.data(), r.bias.data(),
                                  {.w = f.w.as<float>(),
                                   .bias = bias,
                                   .gamma = b.gamma.as<float>(),
                                   .beta = b.beta.as<float>(),
                                   .mean = b.mean.as<float>(),
                                   .variance = b.variance.as<float>(),
                                   .eps = b.eps});
        r.w = rounded(r.w.data(), n);
        r.bias = rounded(r.bias.data(), filters);
        return;
      }
      if (f.half)
        r.w.assign(f.half.as<float16>(), f.half.as<float16>() + n);
      else
        r.w = rounded(f.w.as<float>(), n);
      r.bias = bias ? rounded(bias, filters) : std::vector<float>();
    }
  };

  /// f32 arrays for one call, from the workspace.
  struct Floats {
    Floats(Own& own, int64_t numbers) : next(own.workspace.reserve<float>(numbers + 3 * 64)) {}
    Tensor like(const Tensor& t) {
      const Tensor out{next, t.shape, DType::f32, Device::cpu};
      next += (t.numel() + 63) / 64 * 64;
      return out;
    }
    Tensor read(Stream s, const Tensor& t) {
      const Tensor out = like(t);
      convert(s, t.numel(), t.as<float16>(), 0.f, out.as<float>());
      return out;
    }
    float* next;
  };

  std::unique_ptr<ConvBackend> other_;
  PerThread<Own> own_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_f16_conv(std::unique_ptr<ConvBackend> other) {
  return std::make_unique<F16Conv>(std::move(other));
}

}  // namespace temper
