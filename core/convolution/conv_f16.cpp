#include "core/convolution/prepared_filters.h"
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
    all.filters_prepared += filters_.stats().filters_prepared;
    all.allocations += filters_.stats().allocations;
    rooms_.each([&](const Workspace& room) { all.allocations += room.allocations(); });
    return all;
  }
  bool supports(DType dtype) const override { return other_->supports(dtype == DType::f16 ? DType::f32 : dtype); }
  bool takes_narrow_filters() const override { return true; }

  void forward(Stream s, const ConvShape& g, const Tensor& x, const ConvFilter& f, const ConvEpilogue& e,
               const Tensor& y) override {
    if (y.dtype != DType::f16) return other_->forward(s, g, x, f, e, y);
    Floats room(rooms_.of(s.worker), x.numel() + y.numel() + (e.residual ? y.numel() : 0));
    const Tensor y32 = room.like(y);
    const auto w = rounded_filter(s, f);
    other_->forward(s, g, room.read(s, x), as_filter(f, *w),
                    {.residual = e.residual ? room.read(s, e.residual) : Tensor{}, .relu = e.relu}, y32);
    convert(s, y.numel(), y32.as<float>(), 0.f, y.as<float16>());
  }

  void backward_data(Stream s, const ConvShape& g, const Tensor& dy, const ConvFilter& f, float beta,
                     const Tensor& dx) override {
    if (dx.dtype != DType::f16) return other_->backward_data(s, g, dy, f, beta, dx);
    Floats room(rooms_.of(s.worker), dy.numel() + dx.numel());
    const Tensor dx32 = room.like(dx);
    const auto w = rounded_filter(s, f);
    other_->backward_data(s, g, room.read(s, dy), as_filter(f, *w), 0.f, dx32);
    convert(s, dx.numel(), dx32.as<float>(), beta, dx.as<float16>());
  }

  void backward_filter(Stream s, const ConvShape& g, const Tensor& x, const Tensor& dy, float beta,
                       const Tensor& dw) override {
    if (x.dtype != DType::f16) return other_->backward_filter(s, g, x, dy, beta, dw);
    Floats room(rooms_.of(s.worker), x.numel() + dy.numel());
    const Tensor x32 = room.read(s, x);
    other_->backward_filter(s, g, x32, room.read(s, dy), beta, dw);
  }

 private:
  struct Use {
    const void *bias, *fold;
    friend auto operator<=>(const Use&, const Use&) = default;
  };
  /// A filter as numbers of f16, folded.
  struct Rounded {
    std::vector<float> w, bias;
  };

  std::shared_ptr<Rounded> rounded_filter(Stream s, const ConvFilter& f) {
    const Use use{f.bias.data, f.fold ? f.fold->mean.data : nullptr};
    return filters_.get(
        s, f, use, [] { return Rounded(); }, [&](Rounded& to) { fill(f, to); });
  }
  static ConvFilter as_filter(const ConvFilter& f, Rounded& r) {
    return {.w = {r.w.data(), f.w.shape, DType::f32, Device::cpu},
            .bias = r.bias.empty() ? Tensor{} : Tensor{r.bias.data(), {f.w.shape[0]}, DType::f32, Device::cpu},
            .version = f.version};
  }

  static void fill(const ConvFilter& f, Rounded& r) {
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

  /// f32 arrays for one call, from the workspace.
  struct Floats {
    Floats(Workspace& room, int64_t numbers) : next(room.reserve<float>(numbers + 3 * 64)) {}
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
  PerThread<Workspace> rooms_;
  PreparedFilters<Use, Rounded> filters_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_f16_conv(std::unique_ptr<ConvBackend> other) {
  return std::make_unique<F16Conv>(std::move(other));
}

}  // namespace temper
